// Powers, by the cheapest gate that computes them.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// a^b; a number as exponent becomes a square, a square root or a reciprocal where it is one. Throws RuntimeError for an integer
// tensor to a negative number.
Tensor power(const Tensor& a, const Tensor& b);

}  // namespace gradgate
