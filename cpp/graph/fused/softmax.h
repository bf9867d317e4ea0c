// Softmax and its kin.
#pragma once

#include <optional>

#include "graph/engine/tensor.h"

namespace gradgate {

// exp(x) normalised to sum 1 along a dimension, and its logarithm. x is converted to `dtype` first.
// Throws RuntimeError for integers and bools.
Tensor softmax(const Tensor& x, int dim, std::optional<DType> dtype = {});
Tensor log_softmax(const Tensor& x, int dim, std::optional<DType> dtype = {});

// log(sum(exp(x))) over `dims` (all when empty), without overflow; integers are converted to the default type.
Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim = false);

}  // namespace gradgate
