// TEMPORARY
#pragma once
#include "kernels/matmul_table.h"
namespace gradgate {
struct MatmulBatch { std::int64_t count, a, b, c; };
template <class T> void matmul(const MatmulProblem<T>& p) {
  for (std::int64_t i = 0; i < p.m; ++i) for (std::int64_t j = 0; j < p.n; ++j) {
    T s = p.bias ? p.bias[j] : T(0);
    for (std::int64_t k = 0; k < p.k; ++k) s += p.a[i*p.a_row+k*p.a_col]*p.b[k*p.b_row+j*p.b_col];
    p.c[i*p.c_row+j]=s; }
}
template <class T> void matmul_batch(MatmulProblem<T> p, const MatmulBatch& b) { for (std::int64_t i=0;i<b.count;++i){ matmul(p); p.a+=b.a;p.b+=b.b;p.c+=b.c; } }
}
