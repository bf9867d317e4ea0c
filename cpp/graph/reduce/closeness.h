// Whether tensors are equal, or equal but for rounding.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// Of one shape, with equal elements.
bool equal(const Tensor& a, const Tensor& b);

// |a - b| <= atol + rtol * |b|, broadcast; infinities are close to themselves alone, NaN to NaN when equal_nan.
Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan);
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan);

}  // namespace gradgate
