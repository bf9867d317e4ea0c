// Cuts reductions into chunks and threads.
#include "kernels/reduce.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/reduce_columns.h"

namespace gradgate {
namespace {

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
  parallel_for(static_cast<std::int64_t>(partial.size()), kReductionGrain / kReductionChunk, [&](std::int64_t begin, std::int64_t end) {
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
  parallel_for(rows, std::max<std::int64_t>(kReductionGrain / std::max<std::int64_t>(n, 1), 1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) row(i);
  });
}

}  // namespace

template <class T>
void reduce_rows(Reduction reduction, std::int64_t rows, std::int64_t n, const T* x, T* y) {
  each_row(rows, n, [&](std::int64_t i) { y[i] = reduce_row(reduction, n, x + i * n); });
}

template <class T>
void reduce_columns(Reduction reduction, std::int64_t outer, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  if (rows == 0) {
    std::fill(y, y + outer * columns, identity<T>(reduction));
    return;
  }
  const auto kernel = kernels().of<T>().reduce.columns[static_cast<int>(reduction)];
  reduce_columns_with(combination(reduction), outer, rows, columns, y,
                      [=](std::int64_t o, std::int64_t row, std::int64_t count, std::int64_t column, std::int64_t width, T* part) {
                        kernel(count, width, x + (o * rows + row) * columns + column, columns, part);
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
  if (reduced == 0) {
    std::fill(y, y + outer * columns, T(0));
    return;
  }
  reduce_columns_with(Reduction::sum, outer, reduced, columns, y,
                      [=, &table](std::int64_t o, std::int64_t row, std::int64_t count, std::int64_t column, std::int64_t width, T* part) {
                        table.column_deviations(count, width, x + (o * reduced + row) * columns + column, columns,
                                                center + o * columns + column, part);
                      });
}

template void reduce_rows<float>(Reduction, std::int64_t, std::int64_t, const float*, float*);
template void reduce_rows<double>(Reduction, std::int64_t, std::int64_t, const double*, double*);
template void reduce_columns<float>(Reduction, std::int64_t, std::int64_t, std::int64_t, const float*, float*);
template void reduce_columns<double>(Reduction, std::int64_t, std::int64_t, std::int64_t, const double*, double*);
template void sum_squared_deviations<float>(std::int64_t, std::int64_t, std::int64_t, const float*, const float*, float*);
template void sum_squared_deviations<double>(std::int64_t, std::int64_t, std::int64_t, const double*, const double*, double*);

}  // namespace gradgate
