// What the calling thread's core can do at most, measured: its fused multiply-adds, and its clock.
#pragma once

#include <cstdint>

namespace gradgate {

struct TimedWork {
  double count;  // of what was done: floating-point operations, cycles
  double seconds;
};

// Fused multiply-adds on registers alone, by the instruction set in use, for a few milliseconds.
template <class T>
TimedWork fma_peak();

// A chain of operations of one cycle each, for a few milliseconds.
TimedWork clock_cycles();

}  // namespace gradgate
