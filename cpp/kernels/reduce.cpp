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
T reduce_row(Reduction reduction, std::int64_t n, const T* x) {
  const auto& table = kernels().of<T>().reduce;
  if (n == 0) return identity<T>(reduction);
  if (n <= kReductionChunk) return table.row[static_cast<int>(reduction)](n, x);
  std::vector<T> partial(static_cast<std::size_t>((n + kReductionChunk - 1) / kReductionChunk));
  const auto chunks = static_cast<std::int64_t>(partial.size());
  parallel_for(chunks, kGrain / kReductionChunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t c = begin; c < end; ++c) {
      const std::int64_t first = c * kReductionChunk;
      partial[static_cast<std::size_t>(c)] =
          table.row[static_cast<int>(reduction)](std::min(kReductionChunk, n - first), x + first);
    }
  });
  return reduce_row(combination(reduction), chunks, partial.data());
}

}  // namespace

template <class T>
void reduce_rows(Reduction reduction, std::int64_t rows, std::int64_t n, const T* x, T* y) {
  FloatEnvironment environment;
  LongWork work(rows * n);
  if (rows == 1) {
    y[0] = reduce_row(reduction, n, x);
    return;
  }
  parallel_for(rows, std::max<std::int64_t>(kGrain / std::max<std::int64_t>(n, 1), 1), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) y[i] = reduce_row(reduction, n, x + i * n);
  });
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
  // Strips of columns wide enough for whole cache lines.
  constexpr std::int64_t kStrip = 256;
  const std::int64_t strips = (columns + kStrip - 1) / kStrip;
  const std::int64_t grain = std::max<std::int64_t>(kGrain / (rows * std::min(columns, kStrip) + 1), 1);
  parallel_for(outer * strips, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t o = i / strips, first = i % strips * kStrip;
      kernel(rows, std::min(kStrip, columns - first), x + o * rows * columns + first, columns, y + o * columns + first);
    }
  });
}

template void reduce_rows<float>(Reduction, std::int64_t, std::int64_t, const float*, float*);
template void reduce_rows<double>(Reduction, std::int64_t, std::int64_t, const double*, double*);
template void reduce_columns<float>(Reduction, std::int64_t, std::int64_t, std::int64_t, const float*, float*);
template void reduce_columns<double>(Reduction, std::int64_t, std::int64_t, std::int64_t, const double*, double*);

}  // namespace gradgate
