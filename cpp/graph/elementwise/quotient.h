// Rounded quotients and what they leave: floor_divide, remainder, fmod.
#pragma once

#include "array/quotient.h"
#include "graph/engine/tensor.h"

namespace gradgate {

// a / b rounded to an integer, in the operands' common type; its gradient is 0. Throws RuntimeError for integers over zero, and for
// bool operands.
Tensor rounded_quotient(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b);

// a - b * rounded_quotient(a, b), exactly: it has b's sign under `floor` and a's under `truncate`. Throws as that does.
Tensor remainder(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b);

}  // namespace gradgate
