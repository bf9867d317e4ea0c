// The loop of fused multiply-adds of one instruction set, which measures what a core can do at most.
#pragma once

#include <cstdint>

namespace gradgate {

template <class T>
struct PeakTable {
  // Repeats x = x * factor + addend `steps` times on as many x as keep the units busy; returns their sum, so that they are computed.
  T (*run)(std::int64_t steps, T factor, T addend);
  std::int64_t operations;  // floating-point operations a step
};

}  // namespace gradgate
