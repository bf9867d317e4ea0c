// Shapes and gradients of the matrix product.
#include "graph/matmul.h"

#include "base/error.h"

namespace gradgate {
Tensor matmul(const Tensor&, const Tensor&) { fail<RuntimeError>("matmul: not built"); }
}  // namespace gradgate
