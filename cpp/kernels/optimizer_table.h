// The optimizer kernels of one instruction set: one pass over a parameter, its gradient and its state.
#pragma once

#include <cstdint>

namespace gradgate {

template <class T>
struct OptimizerTable {
  // Updates n elements of p, and its state in place, by the rule's Numbers. The arrays are contiguous and do not overlap; a state
  // array that the options do not ask for is null.
  using Run = void (*)(std::int64_t n, T* p, const T* g, T* const* state, const void* numbers);

  const Run* run;  // a kernel's place is that of its rule in OptimizerRules
};

}  // namespace gradgate
