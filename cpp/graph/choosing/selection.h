// Gathering and scattering along one dimension, as functions of index tensors.
//
// Index tensors are int64 or int32; positions count from the start alone unless said otherwise, and a 0-d tensor counts as one of shape
// (1,). Every function throws IndexError for positions out of range and RuntimeError for shapes or types that do not fit, before anything
// is written.
#pragma once

#include <optional>

#include "graph/choosing/positions.h"

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

// The slices of x along dim, or without it the elements of x read row-major, each as often as `repeats` says: one number for all, or one
// for each. `output_size` is the sum of the repeats, where it is known.
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim,
                         std::optional<std::int64_t> output_size = {});

// What a function writes to a tensor: put(x, assignment), or put_into(x, assignment) for its in-place form.
//
// x[index[i][j]][j] = source[i][j] for dim 0, and so on, or += when they accumulate; source is a number or at least of index's shape.
Assignment scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, bool accumulate);
// The slices of x at the positions along dim become those of source (or are added to).
Assignment index_copy(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source);
Assignment index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, const Tensor& alpha);
// They become a number, or a 0-d tensor; positions may count from the end.
Assignment index_fill(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& value);

}  // namespace gradgate
