// Reductions of several rows at once by the rule of the rows: the last steps of their trees share registers.
#pragma once

#include "kernels/isa/row_reduction.h"

namespace gradgate::GRADGATE_ISA {

// The elements of a group that is passed over several times: two such arrays of floats stay in 32 KB of L1.
inline constexpr std::int64_t kGroupElements = 4096;

// Calls group(first, count) on groups of at most Vec<T>::lanes rows that cover all `rows`, few enough to stay in L1.
template <class T, class Group>
inline void each_row_group(std::int64_t rows, std::int64_t n, const Group& group) {
  std::int64_t most = n > 0 ? kGroupElements / n : Vec<T>::lanes;
  most = most > Vec<T>::lanes ? Vec<T>::lanes : most < 1 ? 1 : most;
  for (std::int64_t first = 0; first < rows; first += most) group(first, static_cast<int>(first + most < rows ? most : rows - first));
}

// Of blocks of 2 * width lanes, the lower (offset 0) or the upper half (offset width): those of a, then those of b.
template <int width, int offset, class T, int... i>
inline Vec<T> block_halves(Vec<T> a, Vec<T> b, IndexList<i...>) {
  constexpr int lanes = Vec<T>::lanes;
  return __builtin_shufflevector(a.r, b.r, (i / (lanes / 2) * lanes + i % (lanes / 2) / width * 2 * width + i % width + offset)...);
}

// One step of the trees of blocks of 2 * width lanes in `count` registers, which leaves half as many registers.
template <class R, int width, class T>
inline Vec<T> halve_together(Vec<T>* x, int count) {
  if constexpr (width == 0) {
    return x[0];
  } else {
    constexpr LaneIndices<T> all{};
    for (int j = 0; j < count; j += 2)
      x[j / 2] = R::combine(block_halves<width, 0>(x[j], x[j + 1], all), block_halves<width, width>(x[j], x[j + 1], all));
    return halve_together<R, width / 2>(x, count / 2);
  }
}

// Reduces `count` rows of n terms: result[row], where result has a whole register. terms(row) gives a row's terms as reduce_chunk
// takes them; what it holds by value stays in registers while the terms are stored.
template <class R, class T, class Terms>
inline void reduce_row_group(int count, std::int64_t n, T* result, const Terms& terms) {
  using V = Vec<T>;
  if (count == 1 || n > kReductionChunk) {
    for (int row = 0; row < count; ++row) result[row] = reduce_row<R, T>(n, terms(row));
    return;
  }
  V part[V::lanes];
  for (int row = 0; row < count; ++row) part[row] = fold_chunk<R, T>(0, n, terms(row));
  for (int row = count; row < V::lanes; ++row) part[row] = V(0);
  halve_together<R, V::lanes / 2>(part, V::lanes).store(result);
}

}  // namespace gradgate::GRADGATE_ISA
