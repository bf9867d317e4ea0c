// The vector instructions that this CPU has and its operating system keeps the registers of.
#pragma once

namespace gradgate {

struct CpuFeatures {
  bool avx2 = false;    // AVX2 and FMA
  bool avx512 = false;  // AVX-512 F, DQ, BW and VL, besides
};

CpuFeatures cpu_features();

}  // namespace gradgate
