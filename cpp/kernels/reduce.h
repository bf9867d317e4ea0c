// Reductions of whole arrays: chunks and columns shared among threads, without changing the order of the sums.
#pragma once

#include <cstdint>

#include "kernels/reduce_table.h"

namespace gradgate {

// y[i] = the reduction of the i-th of `rows` consecutive rows of n elements.
template <class T>
void reduce_rows(Reduction reduction, std::int64_t rows, std::int64_t n, const T* x, T* y);

// index[i] = the first position in row i of n > 0 elements that equals value[i], as there is one; NaN equals NaN.
template <class T>
void first_of_rows(std::int64_t rows, std::int64_t n, const T* x, const T* value, std::int64_t* index);

// y[o][j] = the reduction over i of x[o][i][j], for x of shape (outer, rows, columns).
template <class T>
void reduce_columns(Reduction reduction, std::int64_t outer, std::int64_t rows, std::int64_t columns, const T* x, T* y);

// The sums of the squares of x - center, where center has y's shape; by the rule of the rows where columns is 1, else of the columns.
template <class T>
void sum_squared_deviations(std::int64_t outer, std::int64_t reduced, std::int64_t columns, const T* x, const T* center, T* y);

}  // namespace gradgate
