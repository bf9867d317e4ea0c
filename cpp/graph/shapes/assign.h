// Overwriting a tensor's elements, in its memory and in the graph.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// target[...] = source, converted to the target's type and broadcast to its shape; gradients flow to the source. Throws
// RuntimeError where the target must not be written or the source does not broadcast.
void assign(const char* operation, const Tensor& target, const Tensor& source);

// Makes `target` show the memory, shape and type of `source`, keeping its place in the graph, its gradient and its hooks.
void set_data(const Tensor& target, const Tensor& source);

}  // namespace gradgate
