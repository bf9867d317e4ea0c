// The peak: chains of fused multiply-adds that touch registers alone.
#include "kernels/isa/tables.h"
#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {
namespace {

// Independent chains: at least latency times units (4 x 2 on x86, 4 x 4 on Apple's cores), and no more than there are registers
// beside the two constants (16 on AVX2 and the baseline, 32 on the others).
#if defined(GRADGATE_ISA_IS_avx512) || defined(GRADGATE_ISA_IS_neon)
constexpr int kChains = 16;
#else
constexpr int kChains = 12;
#endif

template <class T>
T run(std::int64_t steps, T factor, T addend) {
  using V = Vec<T>;
  const V a(factor), b(addend);
  V x[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) x[i] = V(static_cast<T>(i));
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) x[i] = fma(x[i], a, b);
  }
  V sum(0);
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sum = sum + x[i];
  T lanes[V::lanes], total = 0;
  sum.store(lanes);
  for (const T lane : lanes) total += lane;
  return total;
}

template <class T>
void fill(PeakTable<T>& table) {
  table.run = run<T>;
  table.operations = std::int64_t{2} * kChains * Vec<T>::lanes;
}

}  // namespace

void fill_peak(PeakTable<float>& f32, PeakTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
