// Joining tensors along a dimension and splitting them, each the other's gradient.
#pragma once

#include <vector>

#include "graph/tensor.h"

namespace gradgate {

// The tensors one after another along a dimension; elsewhere their sizes are equal. Types are promoted; empty 1-d tensors fit
// anything, as in PyTorch.
Tensor concatenate(const std::vector<Tensor>& tensors, std::int64_t dim);
// Tensors of one shape along a new dimension.
Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim);

// Views of x with these sizes along a dimension; the sizes sum to x's.
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t dim);
// Views of x at each index of a dimension, which goes.
std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim);

// x tiled repeats[i] times along each dimension; leading dimensions may be added.
Tensor repeat(const Tensor& x, const Dims& repeats);

}  // namespace gradgate
