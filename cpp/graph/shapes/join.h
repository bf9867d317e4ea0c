// Joining tensors along a dimension, and tiling.
#pragma once

#include "graph/engine/gate.h"

namespace gradgate {

// The tensors one after another along a dimension; elsewhere their sizes are equal. Types are promoted; empty 1-d tensors fit
// anything, as in PyTorch.
Tensor concatenate(const Tensors& tensors, std::int64_t dim);
// Tensors of one shape along a new dimension.
Tensor stack(const Tensors& tensors, std::int64_t dim);

// x tiled repeats[i] times along each dimension; leading dimensions may be added.
Tensor repeat(const Tensor& x, const Dims& repeats);

}  // namespace gradgate
