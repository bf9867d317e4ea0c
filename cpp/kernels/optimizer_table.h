// The optimizer kernels of one instruction set: one pass over a parameter, its gradient and its state.
#pragma once

#include <cstdint>

#include "gates/optimizer.h"

namespace gradgate {

// Updates n elements of p, and its state in place. The arrays are contiguous and do not overlap; a state
// array that the options do not ask for is null.
template <class T, class Rule>
struct OptimizerKernel {
  void (*run)(std::int64_t n, T* p, const T* g, T* const* state, const typename Rule::Numbers& numbers);
};

template <class T, class Rules>
struct OptimizerKernels;

template <class T, class... Rules>
struct OptimizerKernels<T, GateList<Rules...>> : OptimizerKernel<T, Rules>... {};

template <class T>
struct OptimizerTable : OptimizerKernels<T, OptimizerRules> {
  template <class Rule>
  const OptimizerKernel<T, Rule>& of() const {
    return *this;
  }
};

}  // namespace gradgate
