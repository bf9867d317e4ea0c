// The elementwise kernels on arrays that broadcast.
#pragma once

#include "array/array.h"

namespace gradgate {

// In all of these `gate` is the gate's index in UnaryGates, BinaryGates or TernaryGates, and the operands have the output's type and
// broadcast to its shape; the output may be one of them.

// Of floating-point and integer types.
void run_unary(int gate, const Array& out, const Array& x, const double* scalars);
void run_binary(int gate, const Array& out, const Array& a, const Array& b);
// Of floating-point types.
void run_ternary(int gate, const Array& out, const Array& a, const Array& b, const Array& c);

// dx = dy * local(x, y); null for what the gate does not save.
void run_unary_backward(int gate, const Array& dx, const Array& dy, const Array* x, const Array* y, const double* scalars);
// The same by one input of a binary gate.
void run_binary_backward(int gate, int input, const Array& dx, const Array& dy, const Array* a, const Array* b, const Array* y);

// sum += dx, of one type; dx broadcasts to sum.
void add_into(const Array& sum, const Array& dx);

}  // namespace gradgate
