// Shares a reduction of rows to one row among threads, by strips of columns or by blocks of rows, whichever are more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace gradgate {

// Elements below which threads cost more than they bring.
inline constexpr std::int64_t kReductionGrain = 65'536;

// Columns that a thread takes at a time: whole cache lines.
inline constexpr std::int64_t kReductionStrip = 256;

// Each thread reduces some blocks of rows; the blocks' results are combined as the rule says.
template <class T, class Kernel>
void reduce_blocks(Reduction combination, std::int64_t rows, std::int64_t columns, T* y, const Kernel& kernel) {
  const std::int64_t blocks = (rows + kReductionBlock - 1) / kReductionBlock;
  std::vector<T> partial(static_cast<std::size_t>(blocks * columns));
  parallel_for(blocks, std::max<std::int64_t>(kReductionGrain / (kReductionBlock * columns), 1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * kReductionBlock;
      kernel(first, std::min(kReductionBlock, rows - first), 0, columns, partial.data() + b * columns);
    }
  });
  const auto combine = kernels().of<T>().reduce.columns[static_cast<int>(combination)];
  // A call combines at most a block of rows in one chain, which the next call continues from its last row.
  for (std::int64_t b = 0;;) {
    T* const first = partial.data() + b * columns;
    const std::int64_t count = std::min(kReductionBlock, blocks - b);
    const bool last = b + count == blocks;
    combine(count, columns, first, columns, last ? y : first + (count - 1) * columns);
    if (last) return;
    b += count - 1;
  }
}

// Each thread reduces some strips of columns.
template <class T, class Kernel>
void reduce_strips(std::int64_t rows, std::int64_t columns, T* y, const Kernel& kernel) {
  const std::int64_t strips = (columns + kReductionStrip - 1) / kReductionStrip;
  const std::int64_t grain = std::max<std::int64_t>(kReductionGrain / (rows * std::min(columns, kReductionStrip) + 1), 1);
  parallel_for(strips, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s) {
      const std::int64_t first = s * kReductionStrip;
      kernel(0, rows, first, std::min(kReductionStrip, columns - first), y + first);
    }
  });
}

// y[o][j] = the reduction over i of terms of shape (outer, rows, columns), rows > 0, of which
// kernel(o, first_row, rows, first_column, columns, y) reduces a part.
template <class T, class Kernel>
void reduce_columns_with(Reduction combination, std::int64_t outer, std::int64_t rows, std::int64_t columns, T* y, const Kernel& kernel) {
  FloatEnvironment environment;
  LongWork work(outer * rows * columns);
  const bool few_strips = columns <= kReductionStrip && rows > kReductionBlock && rows * columns >= 2 * kReductionGrain;
  parallel_for(outer, std::max<std::int64_t>(kReductionGrain / (rows * columns + 1), 1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      auto part = [&](std::int64_t first_row, std::int64_t count, std::int64_t first_column, std::int64_t width, T* values) {
        kernel(o, first_row, count, first_column, width, values);
      };
      if (few_strips)
        reduce_blocks(combination, rows, columns, y + o * columns, part);
      else
        reduce_strips(rows, columns, y + o * columns, part);
    }
  });
}

}  // namespace gradgate
