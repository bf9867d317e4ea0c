// The nodes below a root, in the order in which the forward pass made them.
#pragma once

#include <unordered_set>
#include <vector>

#include "graph/engine/node.h"

namespace gradgate {

// The nodes that `root` was computed by, in forward order, itself the last; without those in `seen`, to which they are added.
std::vector<Ref<Node>> nodes_below(const Ref<Node>& root, std::unordered_set<const Node*>& seen);
std::vector<Ref<Node>> nodes_below(const Ref<Node>& root);

}  // namespace gradgate
