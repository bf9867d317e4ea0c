// The products of matrices and vectors as gates, and the affine layer made of them.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// PyTorch's rules: a vector is a row on the left and a column on the right, leading dimensions are batches and broadcast.
// Throws RuntimeError when the inner sizes or the types differ.
Tensor matmul(const Tensor& a, const Tensor& b);

// The same for two matrices, (m, k) and (k, n), alone, and for batches of them, (b, m, k) and (b, k, n).
Tensor mm(const Tensor& a, const Tensor& b);
Tensor bmm(const Tensor& a, const Tensor& b);

// The products of each element of a with each of b, (m) and (n), a matrix (m, n). Throws RuntimeError for other shapes.
Tensor outer(const Tensor& a, const Tensor& b);

// x W^T + bias for x (..., in), weight (out, in) and bias (out) or undefined: one gate.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias);

}  // namespace gradgate
