// KernelTable: every kernel of one instruction set, as function pointers.
#pragma once

#include "kernels/elementwise_table.h"
#include "kernels/matmul_table.h"
#include "kernels/normalization_table.h"
#include "kernels/optimizer_table.h"
#include "kernels/peak_table.h"
#include "kernels/random_table.h"
#include "kernels/reduce_table.h"
#include "kernels/softmax_table.h"

namespace gradgate {

template <class T>
struct FloatTable {
  ElementwiseTable<T> elementwise;
  ReduceTable<T> reduce;
  SoftmaxTable<T> softmax;
  MatmulTable<T> matmul;
  NormalizationTable<T> normalization;
  OptimizerTable<T> optimizer;
  RandomTable<T> random;
  PeakTable<T> peak;
};

struct KernelTable {
  FloatTable<float> f32;
  FloatTable<double> f64;
  RandomWords random_words;

  template <class T>
  const FloatTable<T>& of() const {
    static_assert(__is_same(T, float) || __is_same(T, double), "there are kernels for float and double alone");
    if constexpr (__is_same(T, float))
      return f32;
    else
      return f64;
  }
};

}  // namespace gradgate
