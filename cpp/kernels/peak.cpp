// Times the loops that measure a core.
#include "kernels/peak.h"

#include <chrono>

#include "kernels/dispatch.h"

namespace gradgate {
namespace {

// Long enough for the clock's own cost not to count, short enough to be repeated between the measurements it is for.
constexpr double kSeconds = 2e-3;

// Doubles the number of steps until they last long enough; `run` returns a value that must not go unused.
template <class Run>
TimedWork timed(double count_per_step, Run run) {
  for (std::int64_t steps = 1024;; steps *= 2) {
    const auto start = std::chrono::steady_clock::now();
    volatile auto result = run(steps);
    (void)result;
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (seconds >= kSeconds) return {count_per_step * static_cast<double>(steps), seconds};
  }
}

}  // namespace

template <class T>
TimedWork fma_peak() {
  const PeakTable<T>& peak = kernels().of<T>().peak;
  // The values run towards 2: no number is subnormal, none overflows.
  return timed(static_cast<double>(peak.operations), [&](std::int64_t steps) { return peak.run(steps, T(0.5), T(1)); });
}

template TimedWork fma_peak<float>();
template TimedWork fma_peak<double>();

TimedWork clock_cycles() {
  // Exclusive-or of two registers takes a cycle everywhere; additions of constants are done while renaming on recent cores.
  constexpr int chain = 16;
  return timed(chain, [](std::int64_t steps) {
    std::uint64_t x = 1, y = static_cast<std::uint64_t>(steps);
    for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 16
      for (int i = 0; i < chain; ++i) {
        x ^= y;
        asm volatile("" : "+r"(x), "+r"(y));  // or the chain would be shortened
      }
    }
    return x;
  });
}

}  // namespace gradgate
