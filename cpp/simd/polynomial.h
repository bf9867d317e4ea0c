// Polynomials on Vec, with coefficients known at compile time.
#pragma once

#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {

// c[0] + c[1] x + ... by Horner's rule: the fewest operations; out-of-order execution hides its latency.
template <class T, int N>
inline Vec<T> polynomial(Vec<T> x, const T (&c)[N]) {
  Vec<T> y(c[N - 1]);
#pragma GCC unroll 32
  for (int i = N - 2; i >= 0; --i) y = fma(y, x, Vec<T>(c[i]));
  return y;
}

}  // namespace gradgate::GRADGATE_ISA
