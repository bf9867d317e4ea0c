// Reductions whose result does not depend on the order (integers, truth values, positions), as plain loops.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"

namespace gradgate {

// Elements below which threads cost more than they bring.
inline constexpr std::int64_t kExactGrain = 65'536;

// Calls f(o) for each of `outer` blocks of `size` elements.
template <class F>
void each_outer(std::int64_t outer, std::int64_t size, const F& f) {
  FloatEnvironment environment;
  LongWork work(outer * size);
  const std::int64_t grain = std::max<std::int64_t>(kExactGrain / std::max<std::int64_t>(size, 1), 1);
  parallel_for(outer, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) f(o);
  });
}

// y[o][j] = combine(... combine(identity, x[o][0][j]) ..., x[o][reduced - 1][j]), for x of shape (outer, reduced, columns).
template <class In, class Out, class Combine>
void reduce_exact(std::int64_t outer, std::int64_t reduced, std::int64_t columns, const In* x, Out* y, Out identity,
                  const Combine& combine) {
  each_outer(outer, reduced * columns, [&](std::int64_t o) {
    const In* row = x + o * reduced * columns;
    Out* const result = y + o * columns;
    std::fill(result, result + columns, identity);
    if (columns == 1) {
      Out value = identity;
      for (std::int64_t i = 0; i < reduced; ++i) value = combine(value, row[i]);
      *result = value;
      return;
    }
    for (std::int64_t i = 0; i < reduced; ++i, row += columns)
      for (std::int64_t j = 0; j < columns; ++j) result[j] = combine(result[j], row[j]);
  });
}

// index[o][j] = the first i where x[o][i][j] is value[o][j]; NaN is found by NaN.
template <class T>
void first_indices(std::int64_t outer, std::int64_t reduced, std::int64_t columns, const T* x, const T* value, std::int64_t* index) {
  each_outer(outer, reduced * columns, [&](std::int64_t o) {
    const T* row = x + o * reduced * columns;
    const T* const wanted = value + o * columns;
    std::int64_t* const found = index + o * columns;
    const auto is = [](T a, T b) { return a == b || (a != a && b != b); };
    if (columns == 1) {
      std::int64_t i = 0;
      while (i + 1 < reduced && !is(row[i], *wanted)) ++i;
      *found = i;
      return;
    }
    // Upwards from the last, so that the first is written last.
    for (std::int64_t i = reduced - 1; i >= 0; --i)
      for (std::int64_t j = 0; j < columns; ++j) found[j] = is(row[i * columns + j], wanted[j]) ? i : found[j];
  });
}

}  // namespace gradgate
