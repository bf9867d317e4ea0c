// Comparisons and logical operations: gates with a bool result, through which no gradient flows.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

enum class Comparison { eq, ne, lt, le, gt, ge };
Tensor compare(Comparison comparison, const Tensor& a, const Tensor& b);

enum class Logic { conjunction, disjunction, exclusive };
// Of the truth values of a and b.
Tensor logical(Logic logic, const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& x);
// Bit by bit on integers, as logical() on bools. Throws RuntimeError on floating-point tensors.
Tensor bitwise(Logic logic, const Tensor& a, const Tensor& b);
Tensor bitwise_not(const Tensor& x);

// a where condition holds, else b; broadcasts all three. The condition is bool.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);

}  // namespace gradgate
