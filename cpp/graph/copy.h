// Copies of tensors: to another memory layout, to another type.
#pragma once

#include "graph/tensor.h"
#include "kernels/strided.h"

namespace gradgate {

// Whether the elements fill one block of memory, each once, in any order of dimensions.
bool is_dense(const Tensor& t);

// A new tensor of t's shape, in t's memory order when that is dense, else row-major.
Tensor empty_like(const Tensor& t, DType dtype);
inline Tensor empty_like(const Tensor& t) { return empty_like(t, t.dtype()); }

// t as an operand of a kernel over `shape`, to which it broadcasts.
template <class T>
Strided<T> operand(const Tensor& t, const Dims& shape) {
  Strided<T> s{t.data<std::remove_const_t<T>>(), shape};
  const int missing = shape.size() - t.ndim();
  for (int i = 0; i < shape.size(); ++i) s.strides[i] = i < missing || t.size(i - missing) == 1 ? 0 : t.strides()[i - missing];
  return s;
}

// Writes from's elements, converted and broadcast, to `to`; nothing is recorded. Conversions to integers truncate, saturate at
// the type's limits and take NaN to 0, on every machine.
void copy_elements(const Tensor& to, const Tensor& from);

// Throws RuntimeError when a value lies beyond the limits of the type; an unsigned type takes negative integers, which wrap.
void check_fits(const char* operation, const Tensor& values, DType dtype);

Tensor clone_unrecorded(const Tensor& t);

// Whether some byte may belong to both; false only when none does.
bool may_overlap(const Tensor& a, const Tensor& b);

// Gates: the same values in memory of their own, in another type, in row-major order (t itself when it is that already).
Tensor clone(const Tensor& t);
Tensor cast(const Tensor& t, DType dtype);
Tensor contiguous(const Tensor& t);

}  // namespace gradgate
