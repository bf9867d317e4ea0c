// The matrix product of whole operands.
#pragma once

#include <cmath>

#include "kernels/matmul_table.h"

namespace gradgate {

struct MatmulBatch {
  std::int64_t count, a, b, c;  // how many, and the strides from one to the next
};

template <class T>
void matmul(const MatmulProblem<T>& p) {
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      T sum = 0;
      for (std::int64_t k = 0; k < p.k; ++k) sum = std::fma(p.a[i * p.a_row + k * p.a_col], p.b[k * p.b_row + j * p.b_col], sum);
      p.c[i * p.c_row + j] = p.bias ? sum + p.bias[j] : sum;
    }
}

template <class T>
void matmul_batch(MatmulProblem<T> p, const MatmulBatch& batch) {
  for (std::int64_t i = 0; i < batch.count; ++i) {
    matmul(p);
    p.a += batch.a;
    p.b += batch.b;
    p.c += batch.c;
  }
}

}  // namespace gradgate
