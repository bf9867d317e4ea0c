// The matrix product as a gate.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

// PyTorch's rules: vectors are taken as a row on the left and a column on the right, leading dimensions are batches and
// broadcast. Throws RuntimeError when the inner sizes differ or the types do.
Tensor matmul(const Tensor& a, const Tensor& b);

}  // namespace gradgate
