// The elementwise kernels of one instruction set, for contiguous arrays of T.
#pragma once

#include <cstdint>

namespace gradgate {

// A kernel's place is that of its gate in UnaryGates, BinaryGates or TernaryGates. The arrays lie beside the kernels, so that a change to
// a gate rebuilds nothing that only calls them.
template <class T>
struct ElementwiseTable {
  using Unary = void (*)(std::int64_t n, const T* x, T* y, const double* scalars);
  using UnaryBackward = void (*)(std::int64_t n, const T* dy, const T* x, const T* y, T* dx, const double* scalars);
  using Binary = void (*)(std::int64_t n, const T* a, const T* b, T* y);
  using BinaryBackward = void (*)(std::int64_t n, const T* dy, const T* a, const T* b, const T* y, T* dx);
  using Ternary = void (*)(std::int64_t n, const T* a, const T* b, const T* c, T* y);

  const Unary* unary;
  const UnaryBackward* unary_backward;  // dx = dy * local(x, y); operands that are not saved may be null
  const Binary* binary;
  const BinaryBackward (*binary_backward)[2];  // one for each input
  const Ternary* ternary;
};

}  // namespace gradgate
