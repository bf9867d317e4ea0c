// Where the elements of arrays are true.
#pragma once

#include <vector>

#include "array/array.h"

namespace gradgate {

// For each of a bool array's dimensions the positions of its true elements along it, int64 of shape (N,), in row-major order.
std::vector<Array> true_positions(const Array& mask);

// The positions of x's elements that are not zero, row-major: int64 of shape (N, ndim).
Array nonzero_positions(const Array& x);

}  // namespace gradgate
