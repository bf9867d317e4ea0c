// Cutting tensors along a dimension, the gradient of joining them.
#pragma once

#include "graph/engine/gate.h"

namespace gradgate {

// Views of x with these sizes along a dimension; the sizes sum to x's.
Tensors split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t dim);
// Views of `size` elements along a dimension, of which the last may have fewer.
Tensors split(const Tensor& x, std::int64_t size, std::int64_t dim);
// At most `chunks` views of equal size along a dimension, the last possibly smaller.
Tensors chunk(const Tensor& x, std::int64_t chunks, std::int64_t dim);
// As many views along a dimension as there are sections, whose sizes differ by at most one; or those between the indices.
Tensors split_evenly(const Tensor& x, std::int64_t sections, std::int64_t dim);
Tensors split_at(const Tensor& x, const std::vector<std::int64_t>& indices, std::int64_t dim);

// Views of x at each index of a dimension, which goes.
Tensors unbind(const Tensor& x, std::int64_t dim);

}  // namespace gradgate
