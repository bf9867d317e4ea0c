// Rounded quotients and what they leave.
#pragma once

#include "array/array.h"

namespace gradgate {

// Towards minus infinity as Python's // and %, or towards zero as C's / and %.
enum class Rounding { floor, truncate };

// The operands have the output's type, which is not bool, and broadcast to its shape. Throw RuntimeError for integers over zero.
void rounded_quotient(const char* operation, Rounding rounding, const Array& a, const Array& b, const Array& out);
void remainder(const char* operation, Rounding rounding, const Array& a, const Array& b, const Array& out);

}  // namespace gradgate
