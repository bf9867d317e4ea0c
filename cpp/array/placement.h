// Placement: a strided part of a whole; its elements taken, placed among zeros, and replaced.
#pragma once

#include "array/array.h"

namespace gradgate {

// Where the elements of a part lie in a whole; `offset` and `strides` count elements. The whole fills one block of memory, row-major
// unless `layout` gives its strides.
struct Placement {
  Dims whole, part, strides;
  std::int64_t offset;
  Dims layout{};
};

// The strides of the whole.
Dims layout_of(const Placement& p);
bool is_stored_as(const Array& x, const Placement& p);
// The part of a whole that is stored as the placement says, in its memory.
Array part_of(const Array& whole, const Placement& p);

// The dimensions along which the part shows the same elements again.
Dims repeated_dims(const Placement& p);

// The part of x, copied.
void take_part(const Array& x, const Placement& p, const Array& out);
// x at the part and zeros elsewhere; elements that the part shows several times add, in the order of x.
void place_part(const Array& x, const Placement& p, const Array& out);
// x with these values at the part.
void replace_part(const Array& x, const Placement& p, const Array& values, const Array& out);

// The place of a view in its base, as a block without gaps that holds the base's elements in the order of its memory shows it. Throws
// RuntimeError for a view that does not lie on the base's elements.
// `base_bytes` is where the base's first element is, or was when the view was taken.
Placement place_in_base(const Array& view, const Array& base, const std::byte* base_bytes);

}  // namespace gradgate
