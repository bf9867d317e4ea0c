// The matrix product of one instruction set.
#pragma once

#include <cstdint>

namespace gradgate {

// C (m x n) = or += A (m x k) B (k x n), in the strict order of the contract: KC = 256 values of k at a time.
// Strides count elements and may be any; C's rows are contiguous (column stride 1) and C overlaps neither A nor B.
template <class T>
struct MatmulProblem {
  std::int64_t m, n, k;
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row, b_col;
  T* c;
  std::int64_t c_row;
  bool accumulate;  // C += A B: the product is added to what C holds, block by block
  const T* bias;    // n values added to every row after the last block, or null
};

// A rectangle of C with the working memory to compute it.
struct MatmulTile {
  std::int64_t row, rows, column, columns;
};

template <class T>
struct MatmulTable {
  // Computes one rectangle of C; the result does not depend on how C is cut. `workspace` holds workspace_bytes, 64-byte aligned.
  using Run = void (*)(const MatmulProblem<T>& problem, const MatmulTile& tile, void* workspace);
  using Workspace = std::int64_t (*)(const MatmulProblem<T>& problem, const MatmulTile& tile);

  Run run;
  Workspace workspace_bytes;
  int mr, nr;  // the register tile, for cutting C
};

}  // namespace gradgate
