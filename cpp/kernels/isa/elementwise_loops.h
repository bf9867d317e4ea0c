// The one loop over contiguous arrays that every elementwise kernel is: whole registers, then a masked tail.
#pragma once

#include <cstdint>

#include "simd/math.h"

namespace gradgate::GRADGATE_ISA {

// Results from this size on are written past the caches, which they would not stay in: that saves reading their lines first. Measured
// with 32 MB of last-level cache: a sum of two arrays of 16 MB or more runs 1.2 to 1.4 times as fast.
inline constexpr std::int64_t kStreamedBytes = std::int64_t{16} << 20;

// Whether memory limits the gate: one without elementary functions, whose results are exact or correctly rounded.
template <class G>
inline constexpr bool kMemoryBound = G::info.ulp == 0;

inline bool is_aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kVecBytes == 0; }

// out[i] = f(inputs[i]...). Inputs may equal out; a null input is handed to f as zeros.
template <bool memory_bound, class T, class F, class... Inputs>
inline void map(std::int64_t n, T* out, F f, const Inputs*... inputs) {
  using V = Vec<T>;
  std::int64_t i = 0;
  if constexpr (memory_bound) {
    if (n * static_cast<std::int64_t>(sizeof(T)) >= kStreamedBytes && is_aligned(out) && ((inputs != out) && ...)) {
      for (; i + V::lanes <= n; i += V::lanes) f((inputs ? V::load(inputs + i) : V(0))...).stream(out + i);
      stream_fence();
    }
#pragma GCC unroll 4
    for (; i + V::lanes <= n; i += V::lanes) f((inputs ? V::load(inputs + i) : V(0))...).store(out + i);
  } else {
    for (; i + V::lanes <= n; i += V::lanes) f((inputs ? V::load(inputs + i) : V(0))...).store(out + i);
  }
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
