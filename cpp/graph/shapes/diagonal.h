// Diagonals and triangles of matrices, which are the last two dimensions unless said otherwise.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// The elements of x with j - i = offset in dimensions dim1 (i) and dim2 (j), as a view whose last dimension they are.
Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2);

// Of a vector the matrix with it on the diagonal j - i = offset; of a matrix that diagonal, copied.
Tensor diag(const Tensor& x, std::int64_t offset);

// x with zeros above (below) the diagonal j - i = offset.
Tensor tril(const Tensor& x, std::int64_t offset);
Tensor triu(const Tensor& x, std::int64_t offset);

}  // namespace gradgate
