// Sums, products and norms of arrays.
#pragma once

#include "array/arrangement.h"
#include "kernels/reduce_table.h"

namespace gradgate {

// In all of these `out` is contiguous and of the kept shape.

// The reduction of a floating-point array. `operation` is named in the error for other types.
void reduce_floating(const char* operation, Reduction reduction, const Array& x, const Dims& dims, const Array& out);
// Integers and bools, summed or multiplied as int64, which wraps; `out` is int64.
void reduce_to_int64(Reduction reduction, const Array& x, const Dims& dims, const Array& out);
// Divides every element of a floating-point array by a count.
void divide_by(const Array& out, std::int64_t count);

// True if any element of a bool array is.
bool any_true(const Array& mask);

}  // namespace gradgate
