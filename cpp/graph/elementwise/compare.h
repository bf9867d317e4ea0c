// Comparisons and logical operations, whose result is bool and through which no gradient flows, and the gate that chooses by them.
#pragma once

#include "array/compare.h"
#include "graph/engine/tensor.h"

namespace gradgate {

Tensor compare(Comparison comparison, const Tensor& a, const Tensor& b);

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
