// Which dimensions a reduction takes, and the one form to which it is brought for the kernels.
#pragma once

#include "graph/tensor.h"
#include "kernels/reduce_table.h"

namespace gradgate {

// A reduction over some dimensions: (outer, reduced, columns) reduced over the middle, by the rule of the rows where columns is 1
// and by that of the columns elsewhere. Reduced dimensions that lie apart are moved last. The form depends on the logical shape
// alone, never on memory, so that the order of the sums does not either.
struct Arrangement {
  Tensor x;  // contiguous, for the kernels to read
  std::int64_t outer, reduced, columns;
};
Arrangement arrange(const Tensor& x, const Dims& dims);
// The same with every reduction a row.
Tensor arrange_rows(const Tensor& x, const Dims& dims);

// The order of dimensions in which `dims` come last, the order that undoes one, and x in such an order, off the graph.
Dims dims_last(int ndim, const Dims& dims);
Dims inverse_order(const Dims& order);
Tensor reordered(const Tensor& x, const Dims& order);

// The dimensions that an operation given `dims` reduces: all of them when it is given none.
Dims reduced_dims(const Tensor& x, const Dims& dims);

// The shape without the reduced dimensions, or with ones in their place.
Dims kept_shape(const Dims& shape, const Dims& dims, bool keepdim);
std::int64_t reduced_count(const Dims& shape, const Dims& dims);

// A reduction's result, or a gradient of it, with the reduced dimensions back as ones; a gate, as reshape is.
Tensor with_dims(const Tensor& result, const Dims& shape, const Dims& dims);

// The reduction of a floating-point tensor, unrecorded. `operation` is named in the error for other types.
Tensor reduce_floating(const char* operation, Reduction reduction, const Tensor& x, const Dims& dims, bool keepdim);

// A result of a kernel whose dimensions are those of arrange_rows(x, dims), with x's dimensions in order again and row-major.
Tensor dims_back(const Tensor& result, const Dims& dims);

// Throws IndexError, naming the shape, when a dimension to reduce is empty and the operation has no value for nothing.
void check_not_empty(const char* operation, const Tensor& x, const Dims& dims);

}  // namespace gradgate
