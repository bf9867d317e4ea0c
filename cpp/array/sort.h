// Arrays in order: sorted, their medians, their different values.
#pragma once

#include "array/array.h"

namespace gradgate {

// NaN counts as larger than every number; equal elements keep their order.

// The first elements of x along `dim` in ascending or descending order, as many as `values` has there, and their positions (int64).
// A 0-d array counts as one of shape (1,).
void sort_along(const Array& x, int dim, bool descending, const Array& values, const Array& indices);

// The lower median along `dim`, which has elements, or the first NaN; `values` and `indices` are contiguous.
void median_along(const Array& x, int dim, const Array& values, const Array& indices);

struct Unique {
  Array values;   // ascending; every NaN is one of its own
  Array inverse;  // of x's shape: where each element stands among the values
  Array counts;
};
Unique unique_values(const Array& x);

}  // namespace gradgate
