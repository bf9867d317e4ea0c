// Elements of an array at positions along some of its dimensions: gathered, and scattered to.
#pragma once

#include <optional>
#include <vector>

#include "array/array.h"

namespace gradgate {

struct IndexedDim {
  int dim;
  int named;  // the dimension as errors call it
};

// How index arrays, one for each of `dims`, point to the elements of another array.
struct Indexing {
  std::vector<IndexedDim> dims;    // ascending
  bool from_end = true;            // negative positions count from the end
  bool others_are_ranges = false;  // one index of as many dimensions as the array: an element's positions elsewhere are its own place
};

// Index arrays that broadcast together to a shape B. What they select from an array has its shape with B in place of the indexed
// dimensions when they are neighbours, and in front of the rest otherwise; where the others are ranges it has the index's shape. A 0-d
// array counts as one of shape (1,), and so does a 0-d index whose others are ranges.
struct Positions {
  const Indexing& how;
  std::vector<Array> index;  // int32 or int64

  // Of what they select from an array of this shape. Throws IndexError when the index arrays do not broadcast.
  Dims selection(const Dims& shape) const;
};

// out = the elements of x at the positions. Throws IndexError for positions out of range, as the functions below do before they write.
void gather_elements(const Array& x, const Positions& at, const Array& out);

// The elements of `to` at the positions = values, which have to's type and broadcast to the selection: the last one for an element stays.
// Or += values, in their order, integers wrapping and bools joined by "or".
void scatter_elements(const Array& to, const Positions& at, const Array& values, bool accumulate);

// Of values that replace each other: whether each stays, as a bool array that broadcasts to the selection. Nothing when all do.
std::optional<Array> lasting_values(const Positions& at, const Dims& shape);

}  // namespace gradgate
