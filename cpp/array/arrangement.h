// Which dimensions a reduction takes, and the one form to which it is brought for the kernels.
#pragma once

#include "array/array.h"

namespace gradgate {

// A reduction over some dimensions: (outer, reduced, columns) reduced over the middle, by the rule of the rows where columns is 1
// and by that of the columns elsewhere. Reduced dimensions that lie apart are moved last. The form depends on the logical shape
// alone, never on memory, so that the order of the sums does not either.
struct Arrangement {
  Array x;  // contiguous, for the kernels to read
  std::int64_t outer, reduced, columns;
};
Arrangement arrange(const Array& x, const Dims& dims);
// The same with every reduction a row.
Array arrange_rows(const Array& x, const Dims& dims);

// The order of dimensions in which `dims` come last, the order that undoes one, and x in such an order.
Dims dims_last(int ndim, const Dims& dims);
Dims inverse_order(const Dims& order);
Array reordered(const Array& x, const Dims& order);

// The dimensions that an operation given `dims` reduces: all of them when it is given none.
Dims reduced_dims(int ndim, const Dims& dims);

// The shape without the reduced dimensions, or with ones in their place.
Dims kept_shape(const Dims& shape, const Dims& dims, bool keepdim);
std::int64_t reduced_count(const Dims& shape, const Dims& dims);

// A result of a kernel whose dimensions are those of arrange_rows(x, dims), with x's dimensions in order again and row-major.
Array dims_back(const Array& result, const Dims& dims);

// Throws IndexError, naming the shape, when a dimension to reduce is empty and the operation has no value for nothing.
void check_not_empty(const char* operation, const Array& x, const Dims& dims);

}  // namespace gradgate
