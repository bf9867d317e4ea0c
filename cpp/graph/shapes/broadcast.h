// Expanding and summing, each the other's gradient.
#pragma once

#include <optional>

#include "graph/engine/tensor.h"

namespace gradgate {

// Sizes of one are repeated without a copy; -1 keeps a size.
Tensor expand(const Tensor& x, Dims shape);

// `dims` lists the dimensions to sum over, each once, not negative; an empty list means all of them. `dtype` is the type in which to
// compute and of the result; without it sums of integers and bools are int64.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});

// Sums a gradient over the dimensions that broadcasting added, back to `shape`.
Tensor sum_to(const Tensor& dx, const Dims& shape);

// The gradient of a reduction's result, repeated along the dimensions that were reduced.
Tensor spread_back(const Tensor& dy, const Dims& shape, const Dims& dims);

}  // namespace gradgate
