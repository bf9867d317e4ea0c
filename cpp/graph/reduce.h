// The gates that sum and multiply.
#pragma once

#include <optional>

#include "graph/tensor.h"

namespace gradgate {

// In all of these `dims` lists the dimensions to reduce, each once, not negative; an empty list reduces all.
// `dtype` is the type in which they compute and of the result; without it sums and products of integers and bools are int64.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
Tensor prod(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});
// Throws RuntimeError for integers and bools.
Tensor mean(const Tensor& x, const Dims& dims = {}, bool keepdim = false, std::optional<DType> dtype = {});

}  // namespace gradgate
