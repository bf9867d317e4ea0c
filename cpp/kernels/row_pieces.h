// Shares the rows of an array among threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"

namespace gradgate {

// Elements below which threads cost more than they bring: with an exponential, an element takes about a nanosecond.
inline constexpr std::int64_t kRowGrain = 16'384;

// Calls f(first, count) on pieces that cover `rows` rows of n elements.
template <class F>
void each_row_piece(std::int64_t rows, std::int64_t n, const F& f) {
  if (rows == 0) return;
  FloatEnvironment environment;
  LongWork work(rows * n);
  parallel_for(rows, std::max<std::int64_t>(kRowGrain / std::max<std::int64_t>(n, 1), 1),
               [&](std::int64_t begin, std::int64_t end) { f(begin, end - begin); });
}

}  // namespace gradgate
