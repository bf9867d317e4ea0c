// Looks for NaNs and infinities, and replays a graph to find the first.
#include "account/anomaly.h"

#include <cmath>
#include <unordered_map>

#include "array/copy.h"
#include "graph/engine/order.h"
#include "graph/engine/watcher.h"

namespace gradgate {
namespace {

template <class T>
bool has_anomaly(const Array& t, AnomalyKinds kinds) {
  const T* x = t.data<T>();
  const std::int64_t n = t.numel();
  // x - x is 0 for a number, NaN else: one pass without a branch clears nearly every tensor.
  bool strange = false;
  for (std::int64_t i = 0; i < n; ++i) strange |= !(x[i] - x[i] == 0);
  if (!strange) return false;
  for (std::int64_t i = 0; i < n; ++i)
    if (std::isnan(x[i]) ? kinds.nan : std::isinf(x[i]) && kinds.infinity) return true;
  return false;
}

// The values of all gates below a node, computed again.
class Values {
 public:
  explicit Values(const Ref<Node>& root) {
    GradMode off(false);
    WatchPause pause;
    for (const Ref<Node>& node : nodes_below(root)) {
      if (node->is_leaf()) {
        outputs_[node.get()] = {node->leaf()};
      } else if (!node->released()) {
        const Tensors in = inputs(*node);
        bool known = true;
        for (int i = 0; i < node->input_count(); ++i) known = known && (in[static_cast<std::size_t>(i)].defined() || !node->input(i).node);
        if (known) outputs_[node.get()] = node->gate().replay(in);
      }
    }
  }

  Tensor output(const Node& node, std::uint32_t index) const {
    const auto found = outputs_.find(&node);
    return found == outputs_.end() || index >= found->second.size() ? Tensor() : found->second[index];
  }
  Tensors inputs(const Node& node) const {
    Tensors values;
    for (int i = 0; i < node.input_count(); ++i) values.push_back(input(node.input(i)));
    return values;
  }

 private:
  Tensor input(const Edge& edge) const {
    if (edge.node) return output(*edge.node, edge.output);
    const Tensor& constant = edge.constant.get();
    return constant.defined() ? constant.alias() : constant;
  }

  std::unordered_map<const Node*, Tensors> outputs_;
};

Tensor source_of(const Edge& edge) {
  if (!edge.node) return edge.constant.get();
  return edge.node->is_leaf() ? edge.node->leaf() : Tensor();
}

}  // namespace

bool is_anomalous(const Tensor& t, AnomalyKinds kinds) {
  if (!t.defined() || !is_floating(t.dtype())) return false;
  const Array x = packed(t);
  return visit_floating("anomaly", x.dtype(), [&]<class T>() { return has_anomaly<T>(x, kinds); });
}

std::vector<Operand> operands_of(const Ref<Node>& node) {
  const Values values(node);
  const Tensors inputs = values.inputs(*node);
  std::vector<Operand> operands;
  for (int i = 0; i < node->input_count(); ++i) operands.push_back({inputs[static_cast<std::size_t>(i)], source_of(node->input(i))});
  return operands;
}

Origin origin_of(const Tensor& output, AnomalyKinds kinds) {
  Origin origin{Ref<Node>(node_of(output)), false, output};
  const Values values(origin.gate);
  while (!origin.given) {
    const Tensors inputs = values.inputs(*origin.gate);
    int found = -1;
    for (int i = 0; i < origin.gate->input_count() && found < 0; ++i)
      if (is_anomalous(inputs[static_cast<std::size_t>(i)], {kinds.nan, false})) found = i;
    for (int i = 0; i < origin.gate->input_count() && found < 0; ++i)
      if (is_anomalous(inputs[static_cast<std::size_t>(i)], kinds)) found = i;
    if (found < 0) break;
    const Edge& edge = origin.gate->input(found);
    const Tensor source = source_of(edge);
    origin.given = source.defined();
    origin.value = source.defined() ? source : inputs[static_cast<std::size_t>(found)];
    if (!origin.given) origin.gate = Ref<Node>(edge.node);
  }
  return origin;
}

}  // namespace gradgate
