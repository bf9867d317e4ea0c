// The reduction kernels of one instruction set.
//
// Rule of the rows (consecutive elements to one value): 64 virtual lanes (lane = i mod 64) combined in ascending order within
// chunks of 4,096 elements, then a halving tree 32, 16, ..., 1; missing elements are the identity (-0 for sums). The results of
// the chunks are combined by the same rule.
// Rule of the columns (rows to one row): the product's, blocks of 256 rows, each a chain in ascending order, the blocks
// combined in ascending order.
#pragma once

#include <cstdint>

namespace gradgate {

enum class Reduction { sum, sum_of_squares, sum_of_magnitudes, prod, max, min };
inline constexpr int kReductions = 6;

inline constexpr std::int64_t kReductionChunk = 4096;
inline constexpr std::int64_t kReductionBlock = 256;
inline constexpr int kVirtualLanes = 64;

// How the partial results of a reduction are combined.
constexpr Reduction combination(Reduction r) {
  return r == Reduction::sum_of_squares || r == Reduction::sum_of_magnitudes ? Reduction::sum : r;
}

template <class T>
struct ReduceTable {
  // y[i] = the reduction of the i-th of `rows` consecutive rows of n <= kReductionChunk elements.
  using Rows = void (*)(std::int64_t rows, std::int64_t n, const T* x, T* y);
  // y[j] = combination over i < rows of x[i * stride + j], j < columns; rows > 0.
  using Columns = void (*)(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, T* y);
  // The same for the sums of the squares of x - center, with one center for each row, or one for all if `stride` is 0, and for
  // each column.
  using RowDeviations = void (*)(std::int64_t rows, std::int64_t n, const T* x, const T* center, std::int64_t stride, T* y);
  using ColumnDeviations = void (*)(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, const T* center, T* y);

  // index[i] = the first position in row i that equals value[i]; NaN equals NaN. There is one.
  using FirstOfRows = void (*)(std::int64_t rows, std::int64_t n, const T* x, const T* value, std::int64_t* index);

  Rows rows[kReductions];
  Columns columns[kReductions];
  RowDeviations row_deviations;
  ColumnDeviations column_deviations;
  FirstOfRows first_of_rows;
};

}  // namespace gradgate
