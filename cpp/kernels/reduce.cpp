// Cuts reductions into chunks and threads.
#include "kernels/reduce.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace gradgate {
namespace {

// Elements below which threads cost more than they bring.
constexpr std::int64_t kGrain = 65'536;

template <class T>
T identity(Reduction reduction) {
  switch (reduction) {
    case Reduction::prod: return T(1);
    case Reduction::max: return -std::numeric_limits<T>::infinity();
    case Reduction::min: return std::numeric_limits<T>::infinity();
    default: return T(0);
  }
}

template <class T>
T combine_chunks(Reduction combination, const std::vector<T>& partial);

// One row, whose chunks chunk(n, first) reduces.
template <class T, class Chunk>
T reduce_row(Reduction reduction, std::int64_t n, const Chunk& chunk) {
  if (n == 0) return identity<T>(reduction);
  if (n <= kReductionChunk) return chunk(n, 0);
  std::vector<T> partial(static_cast<std::size_t>((n + kReductionChunk - 1) / kReductionChunk));
  parallel_for(static_cast<std::int64_t>(partial.size()), kGrain / kReductionChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) {
      const std::int64_t first = c * kReductionChunk;
      partial[static_cast<std::size_t>(c)] = chunk(std::min(kReductionChunk, n - first), first);
    }
  });
  return combine_chunks(combination(reduction), partial);
}

template <class T>
T reduce_row(Reduction reduction, std::int64_t n, const T* x) {
  const auto kernel = kernels().of<T>().reduce.row[static_cast<int>(reduction)];
  return reduce_row<T>(reduction, n, [=](std::int64_t count, std::int64_t first) { return kernel(count, x + first); });
}

template <class T>
T combine_chunks(Reduction combination, const std::vector<T>& partial) {
  return reduce_row(combination, static_cast<std::int64_t>(partial.size()), partial.data());
}

// Calls row(i) for every row of n elements.
template <class Row>
void each_row(std::int64_t rows, std::int64_t n, const Row& row) {
  FloatEnvironment environment;
  LongWork work(rows * n);
  if (rows == 1) {
    row(0);  // whose chunks may have the threads
    return;
  }
  parallel_for(rows, std::max<std::int64_t>(kGrain / std::max<std::int64_t>(n, 1), 1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) row(i);
  });
}

// A strip of columns wide enough for whole cache lines, and the rows of one reduction of it.
struct Strip {
  std::int64_t outer, first, columns;
};
constexpr std::int64_t kStrip = 256;

// Calls strip(s) for every strip of an array of shape (outer, rows, columns).
template <class F>
void each_strip(std::int64_t outer, std::int64_t rows, std::int64_t columns, const F& strip) {
  const std::int64_t strips = (columns + kStrip - 1) / kStrip;
  const std::int64_t grain = std::max<std::int64_t>(kGrain / (rows * std::min(columns, kStrip) + 1), 1);
  parallel_for(outer * strips, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % strips * kStrip;
      strip(Strip{i / strips, first, std::min(kStrip, columns - first)});
    }
  });
}

// Column reductions with too few strips for the threads: kernel(rows, first_row, y) reduces one block of rows, and the blocks'
// results are combined as the rule says.
template <class T, class Block>
void reduce_blocks(Reduction combination, std::int64_t rows, std::int64_t columns, T* y, const Block& kernel) {
  const std::int64_t blocks = (rows + kReductionBlock - 1) / kReductionBlock;
  std::vector<T> partial(static_cast<std::size_t>(blocks * columns));
  parallel_for(blocks, std::max<std::int64_t>(kGrain / (kReductionBlock * columns), 1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * kReductionBlock;
      kernel(std::min(kReductionBlock, rows - first), first, partial.data() + b * columns);
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

// Whether the blocks of rows give the threads more to do than the strips of columns.
bool prefers_blocks(std::int64_t outer, std::int64_t rows, std::int64_t columns) {
  return outer * columns <= kStrip && outer == 1 && rows > kReductionBlock && rows * columns >= 2 * kGrain;
}

}  // namespace

template <class T>
void reduce_rows(Reduction reduction, std::int64_t rows, std::int64_t n, const T* x, T* y) {
  each_row(rows, n, [&](std::int64_t i) { y[i] = reduce_row(reduction, n, x + i * n); });
}

template <class T>
void reduce_columns(Reduction reduction, std::int64_t outer, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  FloatEnvironment environment;
  LongWork work(outer * rows * columns);
  if (rows == 0) {
    std::fill(y, y + outer * columns, identity<T>(reduction));
    return;
  }
  const auto kernel = kernels().of<T>().reduce.columns[static_cast<int>(reduction)];
  if (prefers_blocks(outer, rows, columns))
    return reduce_blocks(combination(reduction), rows, columns, y, [&](std::int64_t count, std::int64_t first, T* block) {
      kernel(count, columns, x + first * columns, columns, block);
    });
  each_strip(outer, rows, columns, [&](const Strip& s) {
    kernel(rows, s.columns, x + s.outer * rows * columns + s.first, columns, y + s.outer * columns + s.first);
  });
}

template <class T>
void sum_squared_deviations(std::int64_t outer, std::int64_t reduced, std::int64_t columns, const T* x, const T* center, T* y) {
  const auto& table = kernels().of<T>().reduce;
  if (columns == 1) {
    each_row(outer, reduced, [&](std::int64_t i) {
      y[i] = reduce_row<T>(Reduction::sum_of_squares, reduced, [&](std::int64_t count, std::int64_t first) {
        return table.row_deviations(count, x + i * reduced + first, center[i]);
      });
    });
    return;
  }
  FloatEnvironment environment;
  LongWork work(outer * reduced * columns);
  if (reduced == 0) {
    std::fill(y, y + outer * columns, T(0));
    return;
  }
  if (prefers_blocks(outer, reduced, columns))
    return reduce_blocks(Reduction::sum, reduced, columns, y, [&](std::int64_t count, std::int64_t first, T* block) {
      table.column_deviations(count, columns, x + first * columns, columns, center, block);
    });
  each_strip(outer, reduced, columns, [&](const Strip& s) {
    const std::int64_t at = s.outer * columns + s.first;
    table.column_deviations(reduced, s.columns, x + s.outer * reduced * columns + s.first, columns, center + at, y + at);
  });
}

template void reduce_rows<float>(Reduction, std::int64_t, std::int64_t, const float*, float*);
template void reduce_rows<double>(Reduction, std::int64_t, std::int64_t, const double*, double*);
template void reduce_columns<float>(Reduction, std::int64_t, std::int64_t, std::int64_t, const float*, float*);
template void reduce_columns<double>(Reduction, std::int64_t, std::int64_t, std::int64_t, const double*, double*);
template void sum_squared_deviations<float>(std::int64_t, std::int64_t, std::int64_t, const float*, const float*, float*);
template void sum_squared_deviations<double>(std::int64_t, std::int64_t, std::int64_t, const double*, const double*, double*);

}  // namespace gradgate
