// Reduction of rows of terms to one row, by the rule of the columns that reduce_table.h states.
#pragma once

#include "kernels/isa/row_reduction.h"

namespace gradgate::GRADGATE_ISA {

// `registers` neighbouring registers of columns from column j, of which the last has `count`: independent chains hide an addition's
// latency, and whole cache lines of each row are used while they are there.
template <class R, int registers, class T, class Term>
inline void reduce_strip(std::int64_t rows, std::int64_t j, int count, T* y, const Term& term) {
  using V = Vec<T>;
  const auto lanes = [count](int k) { return k + 1 < registers ? V::lanes : count; };
  V total[registers];
  for (V& t : total) t = V(R::identity);
  for (std::int64_t block = 0; block < rows; block += kReductionBlock) {
    const std::int64_t end = block + kReductionBlock < rows ? block + kReductionBlock : rows;
    V chain[registers];
    for (V& c : chain) c = V(R::identity);
    for (std::int64_t i = block; i < end; ++i)
      for (int k = 0; k < registers; ++k) chain[k] = R::combine(chain[k], term(i, j + k * V::lanes, lanes(k)));
    for (int k = 0; k < registers; ++k) total[k] = R::combine(total[k], chain[k]);
  }
  for (int k = 0; k < registers; ++k) store_lanes(total[k], y + j + k * V::lanes, lanes(k));
}

// y[j] = the combination over i < rows of the terms, of which term(i, j, lanes) gives those of row i from column j.
template <class R, class T, class Term>
inline void reduce_columns_of(std::int64_t rows, std::int64_t columns, T* y, const Term& term) {
  constexpr int lanes = Vec<T>::lanes, wide = 4;
  std::int64_t j = 0;
  for (; j + wide * lanes <= columns; j += wide * lanes) reduce_strip<R, wide>(rows, j, lanes, y, term);
  for (; j + lanes <= columns; j += lanes) reduce_strip<R, 1>(rows, j, lanes, y, term);
  if (j < columns) reduce_strip<R, 1>(rows, j, static_cast<int>(columns - j), y, term);
}

}  // namespace gradgate::GRADGATE_ISA
