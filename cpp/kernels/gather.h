// Moves blocks of elements between a strided array and a compact one.
#pragma once

#include <cstdint>
#include <type_traits>

#include "base/dims.h"

namespace gradgate {

// a + b. Integers wrap, and bools are joined by "or".
template <class T>
T sum_of(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return a || b;
  } else if constexpr (std::is_integral_v<T>) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Unsigned>(Unsigned(a) + Unsigned(b)));
  } else {
    return a + b;
  }
}

// Blocks of a strided array: block (o, p) has the elements at o . outer_strides + offsets[p] + i . inner_strides, and stands in a compact
// array of shape (outer, count, inner). Offsets and strides count elements.
struct Blocks {
  const std::int64_t* offsets;
  std::int64_t count;
  Dims outer_shape, outer_strides, inner_shape, inner_strides;
};

// out[o, p, i] = the element of `from`.
template <class T>
void gather_blocks(const Blocks& blocks, const T* from, T* out);

// The element of `to` = values[o, p, i], p ascending, so that of several values for one element the last stays.
template <class T>
void scatter_blocks(const Blocks& blocks, T* to, const T* values);

// The element of `to` += values[o, p, i] by sum_of, p ascending whatever the number of threads.
template <class T>
void scatter_add_blocks(const Blocks& blocks, T* to, const T* values);

// The element of `to` = value.
template <class T>
void fill_blocks(const Blocks& blocks, T* to, T value);

}  // namespace gradgate
