// The gates that look at the same memory under another shape.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

// Of the same number of elements; shares memory where strides allow it, copies otherwise. One size may be -1.
Tensor reshape(const Tensor& x, Dims shape);
// As reshape, but RuntimeError where memory cannot be shared.
Tensor view_as(const Tensor& x, Dims shape);
// dims is a permutation of 0 ... ndim - 1.
Tensor permute(const Tensor& x, const Dims& dims);
Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1);
// Sizes of one are repeated without a copy; -1 keeps a size.
Tensor expand(const Tensor& x, Dims shape);
// start, start + step, ... below end, along one dimension; step > 0.
Tensor slice(const Tensor& x, int dim, std::int64_t start, std::int64_t end, std::int64_t step = 1);
// The elements at one index along a dimension, which goes.
Tensor select_index(const Tensor& x, int dim, std::int64_t index);

// Off the graph, sharing memory.
Tensor detach(const Tensor& x);

}  // namespace gradgate
