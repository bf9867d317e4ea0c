// The loops around the micro-kernel: blocks of k, of columns and of rows.
#include "kernels/matmul_table.h"

#include "kernels/isa/matmul_microkernel.h"
#include "kernels/isa/matmul_pack.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

// Every micro-kernel, by rows, registers of columns, and whether the last register is partial.
template <class T>
struct Microkernels {
  using Function = void (*)(const MicroTile<T>&);
  Function of[kMR][kMaxVecs][2] = {};

  constexpr Microkernels() { add_rows<kMR>(); }

  template <int Rows>
  constexpr void add_rows() {
    if constexpr (Rows > 0) {
      add_vecs<Rows, kMaxVecs>();
      add_rows<Rows - 1>();
    }
  }
  template <int Rows, int Vecs>
  constexpr void add_vecs() {
    if constexpr (Vecs > 0) {
      if constexpr (has_microkernel(Rows, Vecs)) {
        of[Rows - 1][Vecs - 1][0] = microkernel<T, Rows, Vecs, false>;
        of[Rows - 1][Vecs - 1][1] = microkernel<T, Rows, Vecs, true>;
      }
      add_vecs<Rows, Vecs - 1>();
    }
  }
};

template <class T>
constexpr Microkernels<T> kMicrokernels;

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t round_up(std::int64_t a, std::int64_t multiple) { return ceil_div(a, multiple) * multiple; }

// The size of the blocks when `size` is cut into as few as `largest` allows, all of nearly one size.
constexpr std::int64_t even_block(std::int64_t size, std::int64_t largest, std::int64_t multiple) {
  return size <= largest ? size : round_up(ceil_div(size, ceil_div(size, largest)), multiple);
}

// How a rectangle of C is computed.
template <class T>
struct Plan {
  bool pack_a, pack_b;
  std::int64_t mc, nc;  // the sizes of the blocks of rows and columns
  bool rows_first;      // whether a row tile meets all of a block's columns before the next row tile

  Plan(const MatmulProblem<T>& problem, const MatmulTile& tile);

  std::int64_t a_elements(std::int64_t kc) const { return pack_a ? round_up(mc * kc, 64) : 0; }
  std::int64_t b_elements(std::int64_t kc) const { return round_up(nc, kNR<T>) * kc; }
};

// Whether a row of A is adjacent: such rows are packed as they are, one after another (measured against transposing them:
// 64 x 1,024 x 1,024 in 560 instead of 685 us).
template <class T>
bool lies_in_rows(const MatmulProblem<T>& problem) {
  return problem.a_col == 1;
}

// Rows of A that lie nearly a multiple of 4,096 bytes apart fall into the same few sets of the first-level cache.
template <class T>
bool rows_collide(std::int64_t stride) {
  const std::int64_t bytes = stride * static_cast<std::int64_t>(sizeof(T)) % 4096, distance = bytes < 0 ? bytes + 4096 : bytes;
  return stride != 0 && (distance < 64 || distance > 4096 - 64);
}

template <class T>
Plan<T>::Plan(const MatmulProblem<T>& problem, const MatmulTile& tile) {
  rows_first = problem.k > 0 && problem.k <= kBlocking.rows_first_k;
  const std::int64_t row_tiles = ceil_div(tile.rows, kMR), panels = ceil_div(tile.columns, kNR<T>);
  mc = even_block(tile.rows, kMC<T>, kMR);
  pack_b = problem.b_col != 1 || row_tiles >= kBlocking.pack_b_tiles;
  // Rows of A are best read where they lie, unless they collide; columns (A is a transpose) are read in pieces of a line each, so they
  // are better packed when they lie far apart.
  const bool scattered =
      problem.a_col == 1 ? rows_collide<T>(problem.a_row) : problem.a_row != 1 || problem.a_col >= kBlocking.scattered_stride;
  pack_a = panels >= kBlocking.pack_a_panels && row_tiles > 1 && scattered;
  // Several blocks of A share one packing of B. A single block takes panel after panel, packed into the first-level cache.
  if (rows_first)
    nc = even_block(tile.columns, round_up(kBlocking.rows_first_bytes / static_cast<int>(sizeof(T)) / problem.k, kNR<T>), kNR<T>);
  else if (pack_b && mc < tile.rows)
    nc = even_block(tile.columns, kNC<T>, kNR<T>);
  else if (!pack_b && row_tiles == 1)
    nc = widest_microkernel(static_cast<int>(tile.rows)) * Vec<T>::lanes;
  else
    nc = kNR<T>;
}

template <class T>
class Product {
 public:
  Product(const MatmulProblem<T>& problem, const MatmulTile& tile, T* workspace)
      : problem_(problem),
        tile_(tile),
        plan_(problem, tile),
        packed_b_(workspace),
        packed_a_(workspace + plan_.b_elements(smaller(kKC, problem.k))) {}

  void run() {
    for (std::int64_t k = 0; k < problem_.k; k += kKC) {
      const std::int64_t kc = smaller(kKC, problem_.k - k);
      for (std::int64_t j = 0; j < tile_.columns; j += plan_.nc) {
        const std::int64_t columns = smaller(plan_.nc, tile_.columns - j);
        const Block block{k, kc, tile_.column + j, columns, plan_.pack_b || (!kBlocking.masked_loads && columns % Vec<T>::lanes != 0)};
        if (block.packed) pack_b(b().at(k, block.column), kc, columns, packed_b_);
        for (std::int64_t i = 0; i < tile_.rows; i += plan_.mc) {
          const std::int64_t rows = smaller(plan_.mc, tile_.rows - i);
          if (plan_.pack_a && (j == 0 || plan_.mc < tile_.rows)) pack_rows(block, tile_.row + i, rows);
          multiply(block, tile_.row + i, rows);
        }
      }
    }
  }

 private:
  // kc values of k and some columns of B; packed, B's panels lie in the workspace.
  struct Block {
    std::int64_t k, kc, column, columns;
    bool packed;
  };

  View<T> a() const { return {problem_.a, problem_.a_row, problem_.a_col}; }
  View<T> b() const { return {problem_.b, problem_.b_row, problem_.b_col}; }

  // Calls f(first row, rows) for tiles of at most kMR rows, of nearly one size.
  template <class F>
  static void each_row_tile(std::int64_t rows, F f) {
    const std::int64_t tiles = ceil_div(rows, kMR);
    for (std::int64_t tile = 0, i = 0; tile < tiles; ++tile) {
      const std::int64_t end = rows * (tile + 1) / tiles;
      f(i, static_cast<int>(end - i));
      i = end;
    }
  }

  void pack_rows(const Block& block, std::int64_t row, std::int64_t rows) {
    if (lies_in_rows(problem_))
      return copy_rows(a().at(row, block.k), rows, block.kc, packed_a_);
    each_row_tile(rows, [&](std::int64_t i, int height) { pack_a(a().at(row + i, block.k), height, block.kc, packed_a_ + i * block.kc); });
  }

  // Some columns of a block: their first, how many registers, how many lanes of the last.
  struct Columns {
    std::int64_t first;
    int vecs, tail;
    bool partial;
  };

  // Calls f(Columns) for as many columns at a time as the micro-kernels for tiles of these rows take.
  template <class F>
  static void each_column_tile(const Block& block, std::int64_t rows, F f) {
    const int lanes = Vec<T>::lanes, height = static_cast<int>(smaller(rows, kMR));
    const int widest = block.packed || rows > kMR ? kPanelVecs : widest_microkernel(height);
    for (std::int64_t j = 0; j < block.columns;) {
      const std::int64_t left = block.columns - j;
      int vecs = static_cast<int>(smaller(widest, ceil_div(left, lanes)));
      while (!has_microkernel(height, vecs)) --vecs;
      const bool partial = left < vecs * lanes;
      f(Columns{j, vecs, partial ? static_cast<int>(left - (vecs - 1) * lanes) : lanes, partial});
      j += vecs * lanes;
    }
  }

  void multiply(const Block& block, std::int64_t row, std::int64_t rows) {
    MicroTile<T> t;
    t.k = block.kc;
    t.b_row = block.packed ? kNR<T> : problem_.b_row;
    t.c_row = problem_.c_row;
    t.add = problem_.accumulate || block.k > 0;
    const auto choose_columns = [&](const Columns& columns) GRADGATE_INLINE {
      const std::int64_t column = block.column + columns.first;
      t.tail = columns.tail;
      t.b = block.packed ? packed_b_ + columns.first * block.kc : b().at(block.k, column).p;
      t.bias = problem_.bias && block.k + block.kc == problem_.k ? problem_.bias + column : nullptr;
    };
    const auto choose_rows = [&](std::int64_t i, int height) GRADGATE_INLINE {
      t.a = plan_.pack_a ? packed_a_ + i * block.kc : a().at(row + i, block.k).p;
      t.a_row = !plan_.pack_a ? problem_.a_row : lies_in_rows(problem_) ? block.kc : 1;
      t.a_col = !plan_.pack_a ? problem_.a_col : lies_in_rows(problem_) ? 1 : height;
    };
    const auto run = [&](const Columns& columns, std::int64_t i, int height) GRADGATE_INLINE {
      t.c = problem_.c + (row + i) * problem_.c_row + block.column + columns.first;
      kMicrokernels<T>.of[height - 1][columns.vecs - 1][columns.partial](t);
    };
    if (plan_.rows_first)
      each_row_tile(rows, [&](std::int64_t i, int height) {
        choose_rows(i, height);
        each_column_tile(block, rows, [&](const Columns& columns) {
          choose_columns(columns);
          run(columns, i, height);
        });
      });
    else
      each_column_tile(block, rows, [&](const Columns& columns) {
        choose_columns(columns);
        each_row_tile(rows, [&](std::int64_t i, int height) {
          choose_rows(i, height);
          run(columns, i, height);
        });
      });
  }

  const MatmulProblem<T>& problem_;
  const MatmulTile tile_;
  const Plan<T> plan_;
  T* const packed_b_;
  T* const packed_a_;
};

// A product over no k is zero; the bias is added to it all the same.
template <class T>
void run_empty(const MatmulProblem<T>& problem, const MatmulTile& tile) {
  for (std::int64_t i = tile.row; i < tile.row + tile.rows; ++i) {
    for (std::int64_t j = tile.column; j < tile.column + tile.columns; ++j) {
      T& c = problem.c[i * problem.c_row + j];
      if (!problem.accumulate) c = 0;
      if (problem.bias) c += problem.bias[j];
    }
  }
}

template <class T>
void run(const MatmulProblem<T>& problem, const MatmulTile& tile, void* workspace) {
  if (tile.rows <= 0 || tile.columns <= 0) return;
  if (problem.k == 0)
    run_empty(problem, tile);
  else
    Product<T>(problem, tile, static_cast<T*>(workspace)).run();
}

template <class T>
std::int64_t workspace_bytes(const MatmulProblem<T>& problem, const MatmulTile& tile) {
  const Plan<T> plan(problem, tile);
  if (!plan.pack_a && !plan.pack_b && kBlocking.masked_loads) return 0;
  const std::int64_t kc = smaller(kKC, problem.k);
  return (plan.b_elements(kc) + plan.a_elements(kc)) * static_cast<std::int64_t>(sizeof(T));
}

template <class T>
void fill(MatmulTable<T>& table) {
  table.run = run<T>;
  table.workspace_bytes = workspace_bytes<T>;
  table.mr = kMR;
  table.nr = kNR<T>;
}

}  // namespace

void fill_matmul(MatmulTable<float>& f32, MatmulTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
