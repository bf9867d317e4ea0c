// Reductions of truth values: bool or int64 results, through which no gradient flows.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// Of the truth values (not zero; NaN is true) over `dims`, all when empty. The result is bool, but uint8 for uint8, as in PyTorch.
Tensor any(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor all(const Tensor& x, const Dims& dims = {}, bool keepdim = false);
Tensor count_nonzero(const Tensor& x, const Dims& dims = {});

}  // namespace gradgate
