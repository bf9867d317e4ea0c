// CPUID and XGETBV, read directly: the compilers' __builtin_cpu_supports needs a library that clang-cl does not link.
#include "base/cpu_features.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <cpuid.h>
#endif

namespace gradgate {

#if defined(__x86_64__) || defined(_M_X64)

namespace {

constexpr bool has(unsigned word, unsigned bits) { return (word & bits) == bits; }

// Which registers the operating system saves when it switches threads.
unsigned saved_registers() {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

CpuFeatures cpu_features() {
  constexpr unsigned kFmaOsxsaveAvx = 1u << 12 | 1u << 27 | 1u << 28, kAvx2 = 1u << 5;
  constexpr unsigned kAvx512FDqBwVl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  constexpr unsigned kYmm = 0x6, kZmm = 0xE6;
  CpuFeatures found;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, kFmaOsxsaveAvx)) return found;
  const unsigned saved = saved_registers();
  if (!has(saved, kYmm) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
  found.avx2 = has(b, kAvx2);
#if defined(__APPLE__)
  constexpr bool keeps_zmm = true;  // macOS sets the bits at a thread's first use of the registers
#else
  const bool keeps_zmm = has(saved, kZmm);
#endif
  found.avx512 = found.avx2 && keeps_zmm && has(b, kAvx512FDqBwVl);
  return found;
}

#else

CpuFeatures cpu_features() { return {}; }

#endif

}  // namespace gradgate
