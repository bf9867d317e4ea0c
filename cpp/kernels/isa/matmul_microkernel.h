// The micro-kernel: a small tile of C, held in registers, as a sum of outer products.
//
// Each step of k broadcasts `Rows` values of A and multiplies them with `Vecs` registers of B. Every lane is one element
// of C with its own chain of fused multiply-adds, so neither the tile's shape nor the registers' width shows in the result.
#pragma once

#include <cstdint>

#include "kernels/isa/matmul_blocking.h"
#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {

// A few rows are computed with wider tiles: enough chains to hide the latency of fma, and long stretches of B (a row times
// 1,024 x 1,024 took 46 us by 8 registers and takes 38 by 16).
inline constexpr int kMaxVecs = 16;

constexpr bool has_microkernel(int rows, int vecs) {
  // A single row takes B from memory, without a register.
  const int row_of_b = rows == 1 ? 0 : vecs;
  return vecs <= kPanelVecs || ((vecs == 4 || vecs == 8 || vecs == 16) && rows * vecs + row_of_b + 1 <= kRegisters);
}

constexpr int widest_microkernel(int rows) {
  int vecs = kMaxVecs;
  while (!has_microkernel(rows, vecs)) --vecs;
  return vecs;
}

#define GRADGATE_INLINE __attribute__((always_inline))

inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

template <int Value>
struct Constant {
  static constexpr int value = Value;
  constexpr operator int() const { return Value; }
};

template <int... Index>
struct Indices {};

// List: the indices 0, ..., Count - 1.
template <int Count, int... Index>
struct IndicesBelow : IndicesBelow<Count - 1, Count - 1, Index...> {};

template <int... Index>
struct IndicesBelow<0, Index...> {
  using List = Indices<Index...>;
};

// f(Constant<0>), ..., f(Constant<Count - 1>), written out: an array indexed by them alone stays in registers. Each call is one
// expression, since the compiler's time goes by the number of functions to inline.
template <class F, int... Index>
GRADGATE_INLINE inline void unroll(const F& f, Indices<Index...>) {
  (f(Constant<Index>{}), ...);
}
template <int Count, class F>
GRADGATE_INLINE inline void unroll(const F& f) {
  unroll(f, typename IndicesBelow<Count>::List{});
}

// The same for pairs, the second index counting up to Inner for each first one.
template <int Inner, class F, int... Index>
GRADGATE_INLINE inline void unroll_pairs(const F& f, Indices<Index...>) {
  (f(Constant<Index / Inner>{}, Constant<Index % Inner>{}), ...);
}

// One call of a micro-kernel. B's columns are adjacent; all other strides are free.
template <class T>
struct MicroTile {
  std::int64_t k;
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row;
  T* c;
  std::int64_t c_row;
  int tail;       // columns in the last register, where the kernel is the one for tails
  bool add;       // to what C holds, else C is overwritten
  const T* bias;  // added last, or null
};

// Asks for the lines of one row of the tile of C, to be written.
template <class T, int Vecs>
GRADGATE_INLINE inline void prefetch_row(const T* c) {
  unroll<(Vecs * kVecBytes + 63) / 64>([&](auto line) GRADGATE_INLINE { __builtin_prefetch(c + line * (64 / int{sizeof(T)}), 1); });
}

template <class T, int Rows, int Vecs, bool Tail>
void microkernel(const MicroTile<T>& tile) {
  using V = Vec<T>;
  const auto load = [&](const T* p, auto v) GRADGATE_INLINE {
    if constexpr (Tail && v == Vecs - 1)
      return V::load(p + v * V::lanes, tile.tail);
    else
      return V::load(p + v * V::lanes);
  };
  const auto each = [](const auto& f) GRADGATE_INLINE { unroll_pairs<Vecs>(f, typename IndicesBelow<Rows * Vecs>::List{}); };

  V sum[Rows][Vecs];
  each([&](auto i, auto v) GRADGATE_INLINE { sum[i][v] = V(T(0)); });

  // One pointer for three rows: the addressing modes reach the other two, and the pointers fit the integer registers.
  constexpr int kPointers = (Rows + 2) / 3;
  const T* a[kPointers];
  const std::int64_t a_row = tile.a_row, a_col = tile.a_col, b_row = tile.b_row, c_row = tile.c_row;
  unroll<kPointers>([&](auto p) GRADGATE_INLINE { a[p] = tile.a + 3 * p * a_row; });
  const T* b = tile.b;
  if constexpr (!kBlocking.spreads_prefetch) unroll<Rows>([&](auto i) GRADGATE_INLINE { prefetch_row<T, Vecs>(tile.c + i * tile.c_row); });
  for (std::int64_t k = tile.k; k > 0; --k) {
    if constexpr (kBlocking.spreads_prefetch) prefetch_row<T, Vecs>(tile.c + k / (kKC / 16) * c_row);
    V row[Vecs];
    unroll<Vecs>([&](auto v) GRADGATE_INLINE {
      if constexpr (kBlocking.masked_loads)
        row[v] = load(b, v);
      else
        row[v] = V::load(b + v * V::lanes);
    });
    unroll<Rows>([&](auto i) GRADGATE_INLINE {
      const V x(a[i / 3][i % 3 * a_row]);
      unroll<Vecs>([&](auto v) GRADGATE_INLINE { sum[i][v] = fma(x, row[v], sum[i][v]); });
    });
    unroll<kPointers>([&](auto p) GRADGATE_INLINE { a[p] += a_col; });
    b += b_row;
  }

  if (tile.add) each([&](auto i, auto v) GRADGATE_INLINE { sum[i][v] = load(tile.c + i * tile.c_row, v) + sum[i][v]; });
  if (tile.bias) each([&](auto i, auto v) GRADGATE_INLINE { sum[i][v] = sum[i][v] + load(tile.bias, v); });
  each([&](auto i, auto v) GRADGATE_INLINE {
    T* c = tile.c + i * tile.c_row + v * V::lanes;
    if constexpr (Tail && v == Vecs - 1)
      sum[i][v].store(c, tile.tail);
    else
      sum[i][v].store(c);
  });
}

}  // namespace gradgate::GRADGATE_ISA
