// Index expressions: x[1, 2:5, None, ..., positions, mask], read and assigned.
#pragma once

#include <vector>

#include "graph/choosing/positions.h"

namespace gradgate {

// One term of an index expression.
struct IndexTerm {
  enum class Kind { integer, slice, new_axis, ellipsis, tensor };

  Kind kind;
  std::int64_t start = 0;  // of a slice; or the integer
  std::int64_t stop = 0;
  std::int64_t step = 1;
  Tensor tensor;  // positions of an integer type, or a bool mask

  static IndexTerm integer(std::int64_t i) { return {Kind::integer, i, 0, 1, {}}; }
  // Negative bounds count from the end and bounds beyond the ends are cut, as in Python; step > 0.
  static IndexTerm slice(std::int64_t start, std::int64_t stop, std::int64_t step) { return {Kind::slice, start, stop, step, {}}; }
  static IndexTerm new_axis() { return {Kind::new_axis, 0, 0, 1, {}}; }
  static IndexTerm ellipsis() { return {Kind::ellipsis, 0, 0, 1, {}}; }
  static IndexTerm of(Tensor t) { return {Kind::tensor, 0, 0, 1, std::move(t)}; }
};

using IndexTerms = std::vector<IndexTerm>;

// x[terms]: a view of x when the terms are basic, a copy when there are tensors among them. Their dimensions come where the first of
// them stands when the dimensions they index are neighbours, first otherwise. Throws IndexError.
Tensor get_item(const Tensor& x, const IndexTerms& terms);

// x[terms] = value, converted to x's type and broadcast. Where an element is written more than once, the last value stays. Throws
// IndexError, or RuntimeError when value does not broadcast.
void set_item(const Tensor& x, const IndexTerms& terms, const Tensor& value);

// x[indices] = values, or += where they accumulate: index tensors and masks for x's dimensions, one after another; an undefined one keeps
// its dimension. Throws IndexError.
Assignment index_put(const Tensor& x, const Tensors& indices, const Tensor& values, bool accumulate);

// One integer, counted from the end when negative, as a place along a dimension.
std::int64_t wrap_index(std::int64_t index, int dim, std::int64_t size);

}  // namespace gradgate
