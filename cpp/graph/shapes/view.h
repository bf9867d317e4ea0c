// The gates that look at the same memory under another shape.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// Of the same number of elements; shares memory where strides allow it, copies otherwise. One size may be -1.
Tensor reshape(const Tensor& x, Dims shape);
// As reshape, but RuntimeError where memory cannot be shared.
Tensor view_as(const Tensor& x, Dims shape);
// dims is a permutation of 0 ... ndim - 1.
Tensor permute(const Tensor& x, const Dims& dims);
Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1);
// A reduction's result, or a gradient of it, with the reduced dimensions back as ones.
Tensor with_dims(const Tensor& result, const Dims& shape, const Dims& dims);
// start, start + step, ... below end, along one dimension; step > 0.
Tensor slice(const Tensor& x, int dim, std::int64_t start, std::int64_t end, std::int64_t step = 1);
// The elements at one index along a dimension, which goes.
Tensor select_index(const Tensor& x, int dim, std::int64_t index);

// Without the dimensions of size one, or those of them that are listed.
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, const Dims& dims);
// With a new dimension of size one at `dim`, which may count from the end of the result.
Tensor unsqueeze(const Tensor& x, std::int64_t dim);
// The dimensions start ... end as one.
Tensor flatten(const Tensor& x, std::int64_t start, std::int64_t end);
// One dimension as several, of which one size may be -1.
Tensor unflatten(const Tensor& x, std::int64_t dim, const Dims& sizes);
// source[i] goes to destination[i]; the other dimensions keep their order.
Tensor move_dims(const Tensor& x, const Dims& source, const Dims& destination);
// `length` elements from `start`, which may count from the end.
Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length);

}  // namespace gradgate
