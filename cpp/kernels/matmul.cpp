// How products are shared out among threads.
#include "kernels/matmul.h"

#include <algorithm>
#include <cstddef>
#include <new>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace gradgate {
namespace {

// Multiply-adds below which a second thread costs more than it saves.
constexpr std::int64_t kSerialWork = 1 << 20;

// For the estimate of LongWork only.
constexpr std::int64_t kMultiplyAddsPerNanosecond = 50;

// The thread's packing memory, kept for its next product.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() { release(); }

  void* reserve(std::int64_t bytes) {
    if (bytes > bytes_) {
      release();
      data_ = ::operator new(static_cast<std::size_t>(bytes), kAlignment);
      bytes_ = bytes;
    }
    return data_;
  }

 private:
  static constexpr std::align_val_t kAlignment{64};

  void release() {
    ::operator delete(data_, kAlignment);
    data_ = nullptr;
    bytes_ = 0;
  }

  void* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

thread_local Workspace workspace;

template <class T>
MatmulProblem<T> item_of(const MatmulProblem<T>& first, const MatmulBatch& batch, std::int64_t item) {
  MatmulProblem<T> problem = first;
  problem.a += item * batch.a;
  problem.b += item * batch.b;
  problem.c += item * batch.c;
  return problem;
}

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// C cut into row_pieces x column_pieces rectangles, at multiples of the register tile.
struct Grid {
  std::int64_t row_pieces = 1, column_pieces = 1;
  std::int64_t row_tiles, panels;
  int mr, nr;

  // As many pieces as there are threads, the largest as small as it gets; among equals the squarest, which reads least.
  template <class T>
  Grid(const MatmulProblem<T>& problem, const MatmulTable<T>& table, int threads)
      : row_tiles(ceil_div(problem.m, table.mr)), panels(ceil_div(problem.n, table.nr)), mr(table.mr), nr(table.nr) {
    std::int64_t least_work = row_tiles * panels, least_reads = problem.m + problem.n;
    for (std::int64_t columns = std::min<std::int64_t>(threads, panels); columns >= 1; --columns) {
      const std::int64_t rows = std::min<std::int64_t>(threads / columns, row_tiles);
      const std::int64_t height = ceil_div(row_tiles, rows), width = ceil_div(panels, columns);
      const std::int64_t work = height * width, reads = height * mr + width * nr;
      if (work < least_work || (work == least_work && reads < least_reads)) {
        least_work = work;
        least_reads = reads;
        row_pieces = rows;
        column_pieces = columns;
      }
    }
  }

  int pieces() const { return static_cast<int>(row_pieces * column_pieces); }

  template <class T>
  MatmulTile piece(const MatmulProblem<T>& problem, int index) const {
    const std::int64_t i = index / column_pieces, j = index % column_pieces;
    const std::int64_t top = row_tiles * i / row_pieces * mr, bottom = std::min(problem.m, row_tiles * (i + 1) / row_pieces * mr);
    const std::int64_t left = panels * j / column_pieces * nr, right = std::min(problem.n, panels * (j + 1) / column_pieces * nr);
    return {top, bottom - top, left, right - left};
  }
};

template <class T>
void run_tile(const MatmulTable<T>& table, const MatmulProblem<T>& problem, const MatmulTile& tile) {
  table.run(problem, tile, workspace.reserve(table.workspace_bytes(problem, tile)));
}

// Whole items, one after another, with what they have in common done once.
template <class T>
void run_items(const MatmulTable<T>& table, const MatmulProblem<T>& first, const MatmulBatch& batch, std::int64_t begin, std::int64_t end) {
  const MatmulTile whole{0, first.m, 0, first.n};
  void* memory = workspace.reserve(table.workspace_bytes(first, whole));
  for (std::int64_t item = begin; item < end; ++item) table.run(item_of(first, batch, item), whole, memory);
}

template <class T>
void run_batch(const MatmulProblem<T>& first, const MatmulBatch& batch) {
  const MatmulTable<T>& table = kernels().of<T>().matmul;
  const std::int64_t work = first.m * first.n * std::max<std::int64_t>(first.k, 1);
  const int threads = work * batch.count < kSerialWork ? 1 : get_num_threads();
  if (threads == 1) {
    run_items(table, first, batch, 0, batch.count);
  } else if (batch.count >= threads) {
    parallel_for(batch.count, ceil_div(kSerialWork / 2, work),
                 [&](std::int64_t begin, std::int64_t end) { run_items(table, first, batch, begin, end); });
  } else {
    const Grid grid(first, table, threads);
    for (std::int64_t item = 0; item < batch.count; ++item) {
      const MatmulProblem<T> problem = item_of(first, batch, item);
      parallel(grid.pieces(), [&](int index) { run_tile(table, problem, grid.piece(problem, index)); });
    }
  }
}

}  // namespace

template <class T>
void matmul_batch(const MatmulProblem<T>& first, const MatmulBatch& batch) {
  if (first.m <= 0 || first.n <= 0 || batch.count <= 0) return;
  const FloatEnvironment environment;
  const LongWork long_work(first.m * first.n * first.k / kMultiplyAddsPerNanosecond * batch.count);
  if (first.n > 1 || first.m == 1 || first.c_row != 1) return run_batch(first, batch);
  // A column is computed as a row, C^T = B^T A^T, so that the lanes lie along it.
  MatmulProblem<T> transposed{1, first.m, first.k, first.b, first.b_col, first.b_row, first.a, first.a_col, first.a_row, first.c, first.m,
                              first.accumulate, nullptr};
  run_batch(transposed, {batch.count, batch.b, batch.a, batch.c});
  if (!first.bias) return;
  for (std::int64_t item = 0; item < batch.count; ++item)
    for (std::int64_t i = 0; i < first.m; ++i) first.c[item * batch.c + i] += *first.bias;
}

template <class T>
void matmul(const MatmulProblem<T>& problem) {
  matmul_batch(problem, {1, 0, 0, 0});
}

template void matmul(const MatmulProblem<float>&);
template void matmul(const MatmulProblem<double>&);
template void matmul_batch(const MatmulProblem<float>&, const MatmulBatch&);
template void matmul_batch(const MatmulProblem<double>&, const MatmulBatch&);

}  // namespace gradgate
