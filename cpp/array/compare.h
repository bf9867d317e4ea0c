// Comparisons, logic and choice on arrays.
#pragma once

#include "array/array.h"

namespace gradgate {

enum class Comparison { eq, ne, lt, le, gt, ge };
enum class Logic { conjunction, disjunction, exclusive };
enum class FloatTest { isnan, isinf, isfinite };

// In all of these the operands broadcast to the output.

// a and b have one type, the output is bool.
void compare(Comparison comparison, const Array& a, const Array& b, const Array& out);
// All three are bool.
void logical(Logic logic, const Array& a, const Array& b, const Array& out);
// All three have one integer type.
void bitwise(Logic logic, const Array& a, const Array& b, const Array& out);
// x has a floating-point type, the output is bool.
void test(FloatTest test, const Array& x, const Array& out);
// a where the bool condition holds, else b; all but the condition have one type.
void choose(const Array& condition, const Array& a, const Array& b, const Array& out);

}  // namespace gradgate
