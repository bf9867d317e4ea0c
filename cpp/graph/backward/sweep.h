// The backward engine: one sweep over a graph in reverse order of its making.
#pragma once

#include <vector>

#include "graph/engine/watcher.h"

namespace gradgate {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  SweepObserver* observer = nullptr;
};

// Adds the gradients of the roots to the .grad of the leaves they were computed from, or of `inputs` alone when there are any.
// gradients[i] is the upstream gradient of roots[i], an undefined tensor standing for 1 at a root of one element. Throws
// RuntimeError for a root off the graph, a root with several elements and no gradient, or a gradient of another shape.
void backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients, const std::vector<Tensor>& inputs,
              BackwardOptions options);

// The gradients of the roots by `inputs`, which may be anywhere in the graph; no .grad changes. An input that the roots do not
// depend on gives an undefined tensor when allow_unused, else RuntimeError.
std::vector<Tensor> gradients_of(const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients,
                                 const std::vector<Tensor>& inputs, BackwardOptions options, bool allow_unused);

}  // namespace gradgate
