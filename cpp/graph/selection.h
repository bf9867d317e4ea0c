// Gathering and scattering along one dimension, as functions of index tensors.
//
// Index tensors are int64 or int32; positions count from the start alone unless said otherwise. Every function throws IndexError for
// positions out of range and RuntimeError for shapes or types that do not fit, before anything is written.
#pragma once

#include "graph/gather.h"

namespace gradgate {

// out[i][j] = x[index[i][j]][j] for dim 0, and so on: the result has index's shape, whose other sizes are at most x's.
Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index);

// The same where index (negative positions count from the end) and x broadcast in the other dimensions.
Tensor take_along_dim(const Tensor& x, const Tensor& index, std::int64_t dim);

// The slices of x at the positions along dim, index being 1-d.
Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index);

// The elements of x, read row-major, at the positions, which may count from the end: of index's shape.
Tensor take_elements(const Tensor& x, const Tensor& index);

// Rows of weight, of shape (rows, columns), for index of any shape: (*index's shape, columns). No gradient flows to row padding_idx
// (none when negative).
Tensor embedding(const Tensor& weight, const Tensor& index, std::int64_t padding_idx);

// What a function writes to a tensor: put(x, a.at, a.values, a.how), or put_into for its in-place form.
struct Assignment {
  Positions at;
  Tensor values;
  Put how;
};

// x[index[i][j]][j] = source[i][j] for dim 0, and so on, or += when they accumulate; source is a number or at least of index's shape.
Assignment scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, bool accumulate);
// The slices of x at the positions along dim become those of source (or are added to).
Assignment index_copy(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
Assignment index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, const Tensor& alpha);
// They become a number, or a 0-d tensor; positions may count from the end.
Assignment index_fill(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& value);

// int64 of shape (*index's shape, classes): 1 at the class, 0 elsewhere. classes -1 stands for the largest index plus one.
Tensor one_hot(const Tensor& index, std::int64_t classes);

}  // namespace gradgate
