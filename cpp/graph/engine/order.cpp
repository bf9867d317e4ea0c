// Collects nodes without recursion, however deep the graph is, and sorts them.
#include "graph/engine/order.h"

#include <algorithm>

namespace gradgate {

std::vector<Ref<Node>> nodes_below(const Ref<Node>& root, std::unordered_set<const Node*>& seen) {
  std::vector<Ref<Node>> nodes, stack{root};
  while (!stack.empty()) {
    const Ref<Node> node = stack.back();
    stack.pop_back();
    if (!node || !seen.insert(node.get()).second) continue;
    nodes.push_back(node);
    for (int i = 0; i < node->input_count(); ++i) stack.push_back(node->input(i).node);
  }
  std::stable_sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a->sequence() < b->sequence(); });
  return nodes;
}

std::vector<Ref<Node>> nodes_below(const Ref<Node>& root) {
  std::unordered_set<const Node*> seen;
  return nodes_below(root, seen);
}

}  // namespace gradgate
