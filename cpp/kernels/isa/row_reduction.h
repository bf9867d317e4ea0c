// Passes over a row: maps, and reductions to one value by the rule of the rows that reduce_table.h states.
#pragma once

#include "gates/binary.h"
#include "kernels/reduce_table.h"
#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {

// A reduction is an identity, a map of the elements and a combination.
struct Sum {
  static constexpr double identity = -0.0;  // -0 + x is x, also for x = -0
  template <class V> static V element(V x) { return x; }
  template <class V> static V combine(V a, V b) { return a + b; }
};
struct SumOfSquares : Sum {
  template <class V> static V element(V x) { return x * x; }
};
struct SumOfMagnitudes : Sum {
  template <class V> static V element(V x) { return abs(x); }
};
struct Prod {
  static constexpr double identity = 1;
  template <class V> static V element(V x) { return x; }
  template <class V> static V combine(V a, V b) { return a * b; }
};
struct Max {
  static constexpr double identity = -__builtin_inf();
  template <class V> static V element(V x) { return x; }
  // Maximum's result in fewer instructions.
  template <class V> static V combine(V a, V b) { return select(a == a, greater_or_second(a, b), a); }
};
// A maximum for what is NaN with any element anyhow: it may overlook NaN.
struct MaxOfNumbers : Max {
  template <class V> static V combine(V a, V b) { return greater_or_second(a, b); }
};
struct Min {
  static constexpr double identity = __builtin_inf();
  template <class V> static V element(V x) { return x; }
  template <class V> static V combine(V a, V b) { return Minimum::forward(a, b); }
};

// The first `count` elements at p, zeros beyond; the whole register is the common case and needs no mask.
template <class T>
inline Vec<T> load_lanes(const T* p, int count) {
  return count == Vec<T>::lanes ? Vec<T>::load(p) : Vec<T>::load(p, count);
}
template <class T>
inline void store_lanes(Vec<T> x, T* p, int count) {
  if (count == Vec<T>::lanes)
    x.store(p);
  else
    x.store(p, count);
}

// The elements at p as terms of a reduction.
template <class T>
inline auto elements_at(const T* p) {
  return [p](std::int64_t i, int count) { return load_lanes(p + i, count); };
}

// y[i] = f(i, count) for the whole row.
template <class T, class F>
inline void map_row(std::int64_t n, T* y, const F& f) {
  constexpr int lanes = Vec<T>::lanes;
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(i, lanes).store(y + i);
  if (i < n) f(i, static_cast<int>(n - i)).store(y + i, static_cast<int>(n - i));
}

// x in the first `count` lanes, `beyond` in the others.
template <class T>
inline Vec<T> first_lanes(int count, Vec<T> x, Vec<T> beyond) {
  typename Bits<T>::Register index{};
  for (int i = 0; i < Vec<T>::lanes; ++i) index[i] = i;
  return select(Bits<T>(index) < Bits<T>(static_cast<typename Bits<T>::Lane>(count)), x, beyond);
}

template <int... values>
struct IndexList {};

template <int count>
struct IndicesOf;
template <>
struct IndicesOf<1> {
  using List = IndexList<0>;
};
template <>
struct IndicesOf<2> {
  using List = IndexList<0, 1>;
};
template <>
struct IndicesOf<4> {
  using List = IndexList<0, 1, 2, 3>;
};
template <>
struct IndicesOf<8> {
  using List = IndexList<0, 1, 2, 3, 4, 5, 6, 7>;
};
template <>
struct IndicesOf<16> {
  using List = IndexList<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
};
template <class T>
using LaneIndices = typename IndicesOf<Vec<T>::lanes>::List;

template <class F, int... i>
[[gnu::always_inline]] inline void call_with_each(const F& f, IndexList<i...>) {
  (f(i), ...);
}

// f(0), ..., f(count - 1), without a loop where that is not much code: arrays that f indexes can then be registers.
template <int count, class F>
[[gnu::always_inline]] inline void repeat(const F& f) {
  if constexpr (count <= 8)
    call_with_each(f, typename IndicesOf<count>::List());
  else
    for (int i = 0; i < count; ++i) f(i);
}

// x with its lanes moved down by `by`, those that fall out coming in again at the top.
template <int by, class T, int... i>
inline Vec<T> rotate_lanes(Vec<T> x, IndexList<i...>) {
  return __builtin_shufflevector(x.r, x.r, ((i + by) % Vec<T>::lanes)...);
}

template <class R, int width, class T>
inline T halve_register(Vec<T> x) {
  if constexpr (width == 0)
    return x.r[0];
  else
    return halve_register<R, width / 2>(R::combine(x, rotate_lanes<width>(x, LaneIndices<T>())));
}

// The tree over 2 * width registers of virtual lanes, of which the first `used` hold elements: combining the identities of the others
// would change nothing.
template <class R, int width, class T>
[[gnu::always_inline]] inline Vec<T> fold_registers(Vec<T>* lane, int used) {
  if constexpr (width == 0) {
    return lane[0];
  } else {
    repeat<width>([&](int j) __attribute__((always_inline)) {
      if (j + width < used) lane[j] = R::combine(lane[j], lane[j + width]);
    });
    return fold_registers<R, width / 2>(lane, used < width ? used : width);
  }
}

// One chunk: the elements begin ... end - 1, of which term(i, count) gives those from i to i + count - 1, count <= lanes, each
// once and in ascending order; it may store them as it goes. The tree is left to do within the register.
template <class R, class T, class Term>
[[gnu::always_inline]] inline Vec<T> fold_chunk(std::int64_t begin, std::int64_t end, const Term& term) {
  using V = Vec<T>;
  constexpr int registers = kVirtualLanes / V::lanes;
  if (end - begin <= V::lanes && end > begin) {
    const int count = static_cast<int>(end - begin);
    return first_lanes(count, term(begin, count), V(R::identity));
  }
  V tail[registers];  // apart from `lane`, which is never indexed by a variable, so that it stays in registers
  const bool whole_blocks = end - begin >= kVirtualLanes;
  std::int64_t i = begin;
  if (whole_blocks) {
    V lane[registers];
    repeat<registers>([&](int j) __attribute__((always_inline)) { lane[j] = term(i + j * V::lanes, V::lanes); });
    for (i += kVirtualLanes; i + kVirtualLanes <= end; i += kVirtualLanes)
      repeat<registers>([&](int j) __attribute__((always_inline)) { lane[j] = R::combine(lane[j], term(i + j * V::lanes, V::lanes)); });
    if (i == end) return fold_registers<R, registers / 2>(lane, registers);
    repeat<registers>([&](int j) __attribute__((always_inline)) { tail[j] = lane[j]; });
  } else {
    tail[0] = V(R::identity);
  }
  const int used = whole_blocks ? registers : static_cast<int>((end - begin + V::lanes - 1) / V::lanes);
  for (int j = 0; i < end; i += V::lanes, ++j) {
    const int count = end - i < V::lanes ? static_cast<int>(end - i) : V::lanes;
    const V x = first_lanes(count, term(i, count), V(R::identity));
    tail[j] = whole_blocks ? R::combine(tail[j], x) : x;
  }
  return fold_registers<R, registers / 2>(tail, used);
}

template <class R, class T, class Term>
inline T reduce_chunk(std::int64_t begin, std::int64_t end, const Term& term) {
  return halve_register<R, Vec<T>::lanes / 2>(fold_chunk<R, T>(begin, end, term));
}

// The elements begin ... end - 1 in parts of `part` elements, a chunk or a power of it: each part is reduced, and so are the results.
template <class R, class T, class Term>
T reduce_parts(std::int64_t begin, std::int64_t end, std::int64_t part, const Term& term) {
  if (end - begin <= kReductionChunk) return reduce_chunk<R, T>(begin, end, term);
  if (end - begin <= part) return reduce_parts<R, T>(begin, end, part / kReductionChunk, term);
  T result[kVirtualLanes];
  int filled = 0;
  for (std::int64_t i = begin; i < end; i += part) {
    const T value = reduce_parts<R, T>(i, i + part < end ? i + part : end, part, term);
    T& slot = result[filled % kVirtualLanes];
    slot = filled < kVirtualLanes ? value : R::combine(Vec<T>(slot), Vec<T>(value)).r[0];
    ++filled;
  }
  return reduce_chunk<R, T>(0, filled < kVirtualLanes ? filled : kVirtualLanes, elements_at<T>(result));
}

// A whole row of n terms.
template <class R, class T, class Term>
inline T reduce_row(std::int64_t n, const Term& term) {
  if (n <= kReductionChunk) return reduce_chunk<R, T>(0, n, term);
  std::int64_t part = kReductionChunk;
  while (n > part * kReductionChunk) part *= kReductionChunk;
  return reduce_parts<R, T>(0, n, part, term);
}

}  // namespace gradgate::GRADGATE_ISA
