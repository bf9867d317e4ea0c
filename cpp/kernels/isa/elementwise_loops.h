// The one loop over contiguous arrays that every elementwise kernel is: whole registers, then a masked tail.
#pragma once

#include <cstdint>

#include "simd/math.h"

namespace gradgate::GRADGATE_ISA {

// out[i] = f(inputs[i]...). Inputs may equal out; a null input is handed to f as zeros.
template <class T, class F, class... Inputs>
inline void map(std::int64_t n, T* out, F f, const Inputs*... inputs) {
  using V = Vec<T>;
  std::int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) f((inputs ? V::load(inputs + i) : V(0))...).store(out + i);
  if (i < n) {
    const int tail = static_cast<int>(n - i);
    f((inputs ? V::load(inputs + i, tail) : V(0))...).store(out + i, tail);
  }
}

// The gate's scalars, copied so that stores to the output cannot be thought to change them.
struct LocalScalars {
  double value[kMaxGateScalars] = {};
  template <class G>
  static LocalScalars of(const double* scalars) {
    LocalScalars s;
    for (int i = 0; i < G::info.scalar_count(); ++i) s.value[i] = scalars[i];
    return s;
  }
};

}  // namespace gradgate::GRADGATE_ISA
