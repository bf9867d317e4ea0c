// The reduction kernels of one instruction set.
//
// Rule of the rows (one contiguous row to one value): 64 virtual lanes (lane = i mod 64) combined in
// ascending order within chunks of 4,096 elements, then a halving tree 32, 16, ..., 1; missing elements
// are the identity (-0 for sums). The results of the chunks are reduced by the same rule.
// Rule of the columns (rows combined elementwise): the product's, blocks of 256 rows, each a chain in
// ascending order, added in ascending order.
#pragma once

#include <cstdint>

namespace gradgate {

// Reductions with an associative combination; the order is the rule's all the same.
enum class Reduction { sum, sum_of_squares, sum_of_magnitudes, prod, max, min };
inline constexpr int kReductions = 6;

template <class T>
struct ReduceTable {
  using Row = T (*)(std::int64_t n, const T* x);
  // y[j] = combination over i < rows of x[i * stride + j], j < columns.
  using Columns = void (*)(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, T* y);

  Row row[kReductions];
  Columns columns[kReductions];
};

}  // namespace gradgate
