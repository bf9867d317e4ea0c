// Running sums and products of arrays.
#pragma once

#include "array/array.h"

namespace gradgate {

enum class Scan { sum, product };

// out along `dim` = the combination of x's elements from the first (or, reversed, the last) to each, in that order. Floating-point types
// compute in float64, as a chain of a thousand additions in float32 loses three digits; integers wrap. `out` is row-major, of x's shape
// and type.
void run_scan(Scan scan, const Array& x, int dim, bool reversed, const Array& out);

// For each element of a floating-point array the product of the others along `dims`, formed by doubling: after step s an element is the
// product of up to 2^s elements that end (or begin) with it. `out` is row-major, of x's shape and type.
void products_of_others(const Array& x, const Dims& dims, const Array& out);

}  // namespace gradgate
