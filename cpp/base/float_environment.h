// FloatEnvironment: a scope in which arithmetic rounds to nearest and keeps subnormal numbers.
//
// Other libraries switch flush-to-zero on, for their own thread or, through a constructor, for every
// thread that starts later; results that are the same everywhere need the defaults.
#pragma once

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <xmmintrin.h>
#endif

namespace gradgate {

// Saves the calling thread's rounding mode and flush-to-zero bits, sets the defaults, and restores what it
// found at the end of the scope. When they are the defaults already it costs one read of the register.
class FloatEnvironment {
 public:
  FloatEnvironment() : saved_(read()) {
    if (saved_ & kAltering) write(saved_ & ~kAltering);
  }
  ~FloatEnvironment() {
    if (saved_ & kAltering) write(read() | (saved_ & kAltering));
  }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__x86_64__) || defined(_M_X64)
  using Register = std::uint32_t;
  static constexpr Register kAltering = 0xE040;  // MXCSR: flush to zero, the rounding mode's two bits, denormals are zero
  static Register read() { return _mm_getcsr(); }
  static void write(Register value) { _mm_setcsr(value); }
#elif defined(__aarch64__)
  using Register = std::uint64_t;
  static constexpr Register kAltering = 0x1C80003;  // FPCR: FZ, RMode, FZ16, AH, FIZ
  static Register read() {
    Register value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(Register value) { __asm__ volatile("msr fpcr, %0" : : "r"(value) : "memory"); }
#else
  using Register = int;
  static constexpr Register kAltering = 0;
  static Register read() { return 0; }
  static void write(Register) {}
#endif

  Register saved_;
};

}  // namespace gradgate
