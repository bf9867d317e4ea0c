// Names the instruction set that this translation unit is compiled for.
#pragma once

#ifndef GRADGATE_ISA
#error "compile kernel units with -DGRADGATE_ISA=<baseline|avx2|avx512|neon>"
#endif

#if defined(GRADGATE_ISA_IS_avx512) || defined(GRADGATE_ISA_IS_avx2)
#include <immintrin.h>
#elif defined(GRADGATE_ISA_IS_neon)
#include <arm_neon.h>
#elif defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace gradgate::GRADGATE_ISA {

#if defined(GRADGATE_ISA_IS_avx512)
inline constexpr int kVecBytes = 64;
#elif defined(GRADGATE_ISA_IS_avx2)
inline constexpr int kVecBytes = 32;
#else
inline constexpr int kVecBytes = 16;
#endif

}  // namespace gradgate::GRADGATE_ISA
