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
    case Reduction::sum:
    case Reduction::sum_of_squares:
    case Reduction::sum_of_magnitudes: return T(0);
    case Reduction::prod: return T(1);
    case Reduction::max: return -std::numeric_limits<T>::infinity();
    case Reduction::min: return std::numeric_limits<T>::infinity();
  }
  __builtin_unreachable();
}

// One row of more than a chunk, of which chunks(count, n, first, partial) reduces `count` pieces of n elements from the first.
template <class T, class Chunks>
T reduce_long_row(Reduction combination, std::int64_t n, const Chunks& chunks) {
  const std::int64_t whole = n / kReductionChunk, rest = n % kReductionChunk;
  std::vector<T> partial(static_cast<std::size_t>(whole + (rest > 0)));
  parallel_for(whole, kReductionGrain / kReductionChunk, [&](std::int64_t begin, std::int64_t end) {
    chunks(end - begin, kReductionChunk, begin * kReductionChunk, partial.data() + begin);
  });
  if (rest > 0) chunks(1, rest, whole * kReductionChunk, partial.data() + whole);
  T result;
  reduce_rows(combination, 1, static_cast<std::int64_t>(partial.size()), partial.data(), &result);
  return result;
}

// Every row of n elements, of which chunks(row, count, n, first, y) reduces pieces: `count` rows, or pieces of one.
template <class T, class Chunks>
void reduce_rows_with(Reduction reduction, std::int64_t rows, std::int64_t n, T* y, const Chunks& chunks) {
  FloatEnvironment environment;
  LongWork work(rows * n);
  if (n == 0) {
    std::fill(y, y + rows, identity<T>(reduction));
  } else if (n <= kReductionChunk) {
    parallel_for(rows, std::max<std::int64_t>(kReductionGrain / n, 1),
                 [&](std::int64_t begin, std::int64_t end) { chunks(begin, end - begin, n, 0, y + begin); });
  } else {
    const auto row = [&](std::int64_t i) {
      y[i] = reduce_long_row<T>(combination(reduction), n, [&](std::int64_t count, std::int64_t length, std::int64_t first, T* partial) {
        chunks(i, count, length, first, partial);
      });
    };
    if (rows == 1) return row(0);  // whose chunks may have the threads
    parallel_for(rows, std::max<std::int64_t>(kReductionGrain / n, 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) row(i);
    });
  }
}

}  // namespace

template <class T>
void reduce_rows(Reduction reduction, std::int64_t rows, std::int64_t n, const T* x, T* y) {
  const auto kernel = kernels().of<T>().reduce.rows[static_cast<int>(reduction)];
  reduce_rows_with(reduction, rows, n, y, [=](std::int64_t row, std::int64_t count, std::int64_t length, std::int64_t first, T* part) {
    kernel(count, length, x + row * n + first, part);
  });
}

template <class T>
void first_of_rows(std::int64_t rows, std::int64_t n, const T* x, const T* value, std::int64_t* index) {
  FloatEnvironment environment;
  LongWork work(rows * n);
  const auto kernel = kernels().of<T>().reduce.first_of_rows;
  parallel_for(rows, std::max<std::int64_t>(kReductionGrain / std::max<std::int64_t>(n, 1), 1), [&](std::int64_t begin, std::int64_t end) {
    kernel(end - begin, n, x + begin * n, value + begin, index + begin);
  });
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
    reduce_rows_with(Reduction::sum, outer, reduced, y,
                     [=, &table](std::int64_t row, std::int64_t count, std::int64_t length, std::int64_t first, T* part) {
                       const bool pieces = length != reduced;
                       table.row_deviations(count, length, x + row * reduced + first, center + row, pieces ? 0 : 1, part);
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
template void first_of_rows<float>(std::int64_t, std::int64_t, const float*, const float*, std::int64_t*);
template void first_of_rows<double>(std::int64_t, std::int64_t, const double*, const double*, std::int64_t*);
template void reduce_columns<float>(Reduction, std::int64_t, std::int64_t, std::int64_t, const float*, float*);
template void reduce_columns<double>(Reduction, std::int64_t, std::int64_t, std::int64_t, const double*, double*);
template void sum_squared_deviations<float>(std::int64_t, std::int64_t, std::int64_t, const float*, const float*, float*);
template void sum_squared_deviations<double>(std::int64_t, std::int64_t, std::int64_t, const double*, const double*, double*);

}  // namespace gradgate
