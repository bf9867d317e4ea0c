// The matrix product on the active instruction set and the thread pool.
#pragma once

#include "kernels/matmul_table.h"

namespace gradgate {

// Computes the product; T is float or double. See MatmulProblem for its order, which no setting changes.
template <class T>
void matmul(const MatmulProblem<T>& problem);

// `count` products of one shape; item i's operands lie i times these many elements behind the first one's, where 0 shares
// an operand. The C's do not overlap.
struct MatmulBatch {
  std::int64_t count, a, b, c;
};

template <class T>
void matmul_batch(const MatmulProblem<T>& first, const MatmulBatch& batch);

}  // namespace gradgate
