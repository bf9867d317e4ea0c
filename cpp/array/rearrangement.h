// Arrays copied with their elements elsewhere: padded, reversed, cut to triangles, joined, tiled.
#pragma once

#include "array/array.h"

namespace gradgate {

// In all of these `out` is row-major.

// x with before[i] elements of `value`, a 0-d array, in front of dimension i and after[i] behind; negative counts crop.
void pad_elements(const Array& x, const Dims& before, const Dims& after, const Array& value, const Array& out);

// x in reverse order along each of `dims`; a 0-d array has none.
void reverse_elements(const Array& x, const Dims& dims, const Array& out);

// The matrices of x with zeros above or below the diagonal j - i = offset.
void keep_lower(const Array& x, std::int64_t offset, const Array& out);
void keep_upper(const Array& x, std::int64_t offset, const Array& out);

// x as the part of `out` from `start` on along a dimension.
void copy_to_part(const Array& x, int dim, std::int64_t start, const Array& out);

// x, with dimensions of size one in front, as often along each dimension as out's size says.
void tile_elements(const Array& x, const Array& out);

}  // namespace gradgate
