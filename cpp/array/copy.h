// Copies of arrays: to another memory layout, to another type.
#pragma once

#include "array/array.h"
#include "kernels/strided.h"

namespace gradgate {

// Whether the elements fill one block of memory, each once, in any order of dimensions.
bool is_dense(const Array& t);

// A new array of t's shape, in t's memory order when that is dense, else row-major.
Array empty_like(const Array& t, DType dtype);
inline Array empty_like(const Array& t) { return empty_like(t, t.dtype()); }

// t as an operand of a kernel over `shape`, to which it broadcasts.
template <class T>
Strided<T> operand(const Array& t, const Dims& shape) {
  Strided<T> s{t.data<std::remove_const_t<T>>(), shape};
  const int missing = shape.size() - t.ndim();
  for (int i = 0; i < shape.size(); ++i) s.strides[i] = i < missing || t.size(i - missing) == 1 ? 0 : t.strides()[i - missing];
  return s;
}

// Writes from's elements, converted and broadcast, to `to`. Conversions to integers truncate, saturate at
// the type's limits and take NaN to 0, on every machine.
void copy_elements(const Array& to, const Array& from);

// Throws RuntimeError when a value lies beyond the limits of the type; an unsigned type takes negative integers, which wrap.
void check_fits(const char* operation, const Array& values, DType dtype);

// The same elements in memory of their own, in the same memory order where that is dense.
Array copied(const Array& a);
// Row-major, and in another type; the array itself where it is so already.
Array packed(const Array& a);
Array converted(const Array& a, DType dtype);

// Whether some byte may belong to both; false only when none does.
bool may_overlap(const Array& a, const Array& b);

}  // namespace gradgate
