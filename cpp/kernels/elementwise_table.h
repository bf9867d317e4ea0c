// The elementwise kernels of one instruction set, for contiguous arrays of T.
#pragma once

#include <cstdint>

#include "gates/binary.h"
#include "gates/ternary.h"
#include "gates/unary.h"

namespace gradgate {

template <class T>
struct ElementwiseTable {
  using Unary = void (*)(std::int64_t n, const T* x, T* y, const double* scalars);
  using UnaryBackward = void (*)(std::int64_t n, const T* dy, const T* x, const T* y, T* dx, const double* scalars);
  using Binary = void (*)(std::int64_t n, const T* a, const T* b, T* y);
  using BinaryBackward = void (*)(std::int64_t n, const T* dy, const T* a, const T* b, const T* y, T* dx);
  using Ternary = void (*)(std::int64_t n, const T* a, const T* b, const T* c, T* y);

  Unary unary[UnaryGates::size];
  UnaryBackward unary_backward[UnaryGates::size];  // dx = dy * local(x, y); operands that are not saved may be null
  Binary binary[BinaryGates::size];
  BinaryBackward binary_backward[BinaryGates::size][2];  // one for each input
  Ternary ternary[TernaryGates::size];
};

}  // namespace gradgate
