// Gates whose every element depends on those before it.
#pragma once

#include <optional>

#include "graph/engine/tensor.h"

namespace gradgate {

// Running sums and products along a dimension, in ascending order; of integers and bools as int64 unless `dtype` says otherwise.
Tensor cumsum(const Tensor& x, int dim, std::optional<DType> dtype = {});
Tensor cumprod(const Tensor& x, int dim, std::optional<DType> dtype = {});

// The products of the elements before each, and after each; 1 where there are none. In log2(size) differentiable steps.
Tensor products_before(const Tensor& x, int dim);
Tensor products_after(const Tensor& x, int dim);

}  // namespace gradgate
