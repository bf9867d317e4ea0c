// The matrix product of one instruction set.
#pragma once

#include <cstdint>

namespace gradgate {

// The contract's block of k: the sum over each kKC values of k is a chain of its own. The same everywhere, or the bits
// would differ.
inline constexpr std::int64_t kKC = 256;

// C (m x n) = A (m x k) B (k x n), in the strict order: for each block of kKC values of k a chain of fused multiply-adds
// from +0, k ascending; the blocks' sums added in ascending order; the bias last.
// Strides count elements and may be any; C's rows are contiguous, and C overlaps none of the operands.
template <class T>
struct MatmulProblem {
  std::int64_t m, n, k;
  const T* a;
  std::int64_t a_row, a_col;
  const T* b;
  std::int64_t b_row, b_col;
  T* c;
  std::int64_t c_row;
  bool accumulate = false;  // the blocks' sums are added to what C holds
  const T* bias = nullptr;  // n values added to every row, or null
};

// A rectangle of C.
struct MatmulTile {
  std::int64_t row, rows, column, columns;
};

template <class T>
struct MatmulTable {
  // Computes one rectangle of C; how C is cut does not show in the result. `workspace` holds workspace_bytes(...),
  // aligned to 64 bytes.
  void (*run)(const MatmulProblem<T>& problem, const MatmulTile& tile, void* workspace);
  std::int64_t (*workspace_bytes)(const MatmulProblem<T>& problem, const MatmulTile& tile);
  int mr, nr;  // rows and columns of the register tile: where to cut C
};

}  // namespace gradgate
