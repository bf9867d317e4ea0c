// Reductions of whole arrays: chunks and columns shared among threads, without changing the order of the sums.
#pragma once

#include <cstdint>

#include "kernels/reduce_table.h"

namespace gradgate {

// y[i] = the reduction of the i-th of `rows` consecutive rows of n elements.
template <class T>
void reduce_rows(Reduction reduction, std::int64_t rows, std::int64_t n, const T* x, T* y);

// y[o][j] = the reduction over i of x[o][i][j], for x of shape (outer, rows, columns).
template <class T>
void reduce_columns(Reduction reduction, std::int64_t outer, std::int64_t rows, std::int64_t columns, const T* x, T* y);

}  // namespace gradgate
