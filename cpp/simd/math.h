// Elementary functions on Vec.
#pragma once

#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {

#define GRADGATE_LANES(name)                                                            \
  template <class T>                                                                    \
  inline Vec<T> name(Vec<T> x) {                                                        \
    for (int i = 0; i < Vec<T>::lanes; ++i) x.r[i] = static_cast<T>(__builtin_##name(static_cast<double>(x.r[i]))); \
    return x;                                                                           \
  }
GRADGATE_LANES(exp) GRADGATE_LANES(expm1) GRADGATE_LANES(log) GRADGATE_LANES(log1p) GRADGATE_LANES(sin) GRADGATE_LANES(cos)
GRADGATE_LANES(tan) GRADGATE_LANES(sinh) GRADGATE_LANES(cosh) GRADGATE_LANES(asin) GRADGATE_LANES(acos) GRADGATE_LANES(atan)
GRADGATE_LANES(tanh) GRADGATE_LANES(erf) GRADGATE_LANES(floor)
template <class T>
inline Vec<T> pow(Vec<T> x, Vec<T> y) {
  for (int i = 0; i < Vec<T>::lanes; ++i) x.r[i] = static_cast<T>(__builtin_pow(x.r[i], y.r[i]));
  return x;
}

}  // namespace gradgate::GRADGATE_ISA
