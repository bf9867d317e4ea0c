// The elementwise gates on tensors: types promoted, shapes broadcast, the gate recorded.
#pragma once

#include "gates/binary.h"
#include "gates/ternary.h"
#include "gates/unary.h"
#include "graph/tensor.h"

namespace gradgate {

// `gate` is the gate's index in UnaryGates, BinaryGates or TernaryGates; scalars may be null for the defaults.
Tensor apply_unary(int gate, const Tensor& x, const double* scalars = nullptr);
Tensor apply_binary(int gate, const Tensor& a, const Tensor& b);
Tensor apply_ternary(int gate, const Tensor& a, const Tensor& b, const Tensor& c);

template <class G>
Tensor apply(const Tensor& x) {
  return apply_unary(UnaryGates::index<G>(), x);
}
template <class G>
Tensor apply(const Tensor& a, const Tensor& b) {
  return apply_binary(BinaryGates::index<G>(), a, b);
}

// out = the gate of a and b, unrecorded. All have one floating-point or integer type; out may be a or b.
void run_binary(int gate, const Tensor& out, const Tensor& a, const Tensor& b);
void run_unary(int gate, const Tensor& out, const Tensor& x, const double* scalars);

// sum += dx, unrecorded; the types are equal and dx broadcasts to sum.
void add_into(const Tensor& sum, const Tensor& dx);

// Sums a gradient over the dimensions that broadcasting added, back to `shape`.
Tensor sum_to(const Tensor& dx, const Dims& shape);

}  // namespace gradgate
