// Means and products.
#pragma once

#include <optional>

#include "graph/engine/tensor.h"

namespace gradgate {

// In both `dims` lists the dimensions to reduce, each once, not negative; an empty list reduces all. `dtype` is the type in which they
// compute and of the result.

// Without a type, products of integers and bools are int64.
Tensor prod(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
// Throws RuntimeError for integers and bools.
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});

}  // namespace gradgate
