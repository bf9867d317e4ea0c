// Copies of the operands in the order in which the micro-kernel reads them.
#pragma once

#include <cstdint>

#include "kernels/isa/matmul_microkernel.h"

namespace gradgate::GRADGATE_ISA {

// Elements of an operand by their strides.
template <class T>
struct View {
  const T* p;
  std::int64_t row, column;

  View at(std::int64_t i, std::int64_t j) const { return {p + i * row + j * column, row, column}; }
};

// In every 2S x 2S block of two rows that lie S apart, the upper right and the lower left S x S blocks change places.
template <int S, class Register, int... Lane>
GRADGATE_INLINE inline void exchange(Register& x, Register& y, Indices<Lane...>) {
  constexpr int lanes = sizeof...(Lane);
  const Register upper = __builtin_shufflevector(x, y, (Lane & S ? lanes + Lane - S : Lane)...);
  y = __builtin_shufflevector(x, y, (Lane & S ? lanes + Lane : Lane + S)...);
  x = upper;
}

// Transposes the square of Vec<T>::lanes rows, by exchanging ever smaller blocks.
template <class T, int S = Vec<T>::lanes / 2>
GRADGATE_INLINE inline void transpose(Vec<T>* rows) {
  unroll<Vec<T>::lanes>([&](auto i) GRADGATE_INLINE {
    if constexpr ((i & S) == 0) exchange<S>(rows[i].r, rows[i + S].r, typename IndicesBelow<Vec<T>::lanes>::List{});
  });
  if constexpr (S > 1) transpose<T, S / 2>(rows);
}

// `to`, with rows `to_row` apart, = the transpose of a rows x columns block whose columns are adjacent, rows <= lanes.
// With `fill`, lanes beyond `rows` become zeros, else they are left alone.
template <class T, bool Fill = false>
inline void transpose_block(const T* from, std::int64_t from_row, int rows, std::int64_t columns, T* to, std::int64_t to_row) {
  using V = Vec<T>;
  V square[V::lanes];
  std::int64_t j = 0;
  for (; j + V::lanes <= columns; j += V::lanes) {
    if (rows == V::lanes)
      unroll<V::lanes>([&](auto i) GRADGATE_INLINE { square[i] = V::load(from + i * from_row + j); });
    else
      unroll<V::lanes>([&](auto i) GRADGATE_INLINE { square[i] = i < rows ? V::load(from + i * from_row + j) : V(T(0)); });
    transpose<T>(square);
    if (Fill || rows == V::lanes)
      unroll<V::lanes>([&](auto i) GRADGATE_INLINE { square[i].store(to + (j + i) * to_row); });
    else
      unroll<V::lanes>([&](auto i) GRADGATE_INLINE { square[i].store(to + (j + i) * to_row, rows); });
  }
  for (; j < columns; ++j)
    for (int i = 0; i < (Fill ? V::lanes : rows); ++i) to[j * to_row + i] = i < rows ? from[i * from_row + j] : T(0);
}

// Copies the columns of B into panels of kNR columns, row after row, the last one filled up with zeros.
template <class T>
inline void pack_b(View<T> b, std::int64_t k, std::int64_t columns, T* packed) {
  using V = Vec<T>;
  constexpr int panel = kNR<T>;
  for (std::int64_t j = 0; j < columns; j += panel, packed += k * panel) {
    const View<T> from = b.at(0, j);
    const int count = static_cast<int>(smaller(panel, columns - j));
    if (b.column == 1 && count == panel) {
      for (std::int64_t i = 0; i < k; ++i)
        unroll<kPanelVecs>([&](auto v) GRADGATE_INLINE {
          V::load(from.p + i * b.row + v * V::lanes).store(packed + i * panel + v * V::lanes);
        });
    } else if (b.row == 1) {
      for (int l = 0; l < panel; l += V::lanes) {
        const int rows = count - l < 0 ? 0 : count - l < V::lanes ? count - l : V::lanes;
        transpose_block<T, true>(from.at(0, l).p, b.column, rows, k, packed + l, panel);
      }
    } else {
      for (std::int64_t i = 0; i < k; ++i)
        for (int l = 0; l < panel; ++l) packed[i * panel + l] = l < count ? *from.at(i, l).p : T(0);
    }
  }
}

// Copies rows of A whose elements are adjacent one after another.
template <class T>
inline void copy_rows(View<T> a, std::int64_t rows, std::int64_t k, T* packed) {
  using V = Vec<T>;
  for (std::int64_t i = 0; i < rows; ++i, packed += k) {
    const T* from = a.at(i, 0).p;
    std::int64_t j = 0;
    for (; j + V::lanes <= k; j += V::lanes) V::load(from + j).store(packed + j);
    if (j < k) V::load(from + j, static_cast<int>(k - j)).store(packed + j, static_cast<int>(k - j));
  }
}

// Copies `rows` rows of A into a panel: for each step of k its values side by side.
template <class T>
inline void pack_a(View<T> a, int rows, std::int64_t k, T* packed) {
  using V = Vec<T>;
  for (int i = 0; i < rows; i += V::lanes) {
    const View<T> from = a.at(i, 0);
    const int count = rows - i < V::lanes ? rows - i : V::lanes;
    T* to = packed + i;
    if (a.row == 1) {
      for (std::int64_t j = 0; j < k; ++j) V::load(from.p + j * a.column, count).store(to + j * rows, count);
    } else {
      for (std::int64_t j = 0; j < k; ++j)
        for (int l = 0; l < count; ++l) to[j * rows + l] = *from.at(l, j).p;
    }
  }
}

}  // namespace gradgate::GRADGATE_ISA
