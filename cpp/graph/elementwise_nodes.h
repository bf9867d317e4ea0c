// The nodes of the elementwise gates: one class for each family, instantiated by every gate's definition.
#pragma once

#include "gates/gate.h"
#include "graph/tensor.h"

namespace gradgate {

// What a gate's index leads to: its description, and how it is recorded behind `output`.
struct UnaryGate {
  const GateInfo* info;
  Tensor (*record)(Tensor output, const Tensor& x, const double* scalars);
};
struct BinaryGate {
  const GateInfo* info;
  Tensor (*record)(Tensor output, const Tensor& a, const Tensor& b);
};
struct TernaryGate {
  const GateInfo* info;
  Tensor (*record)(Tensor output, const Tensor& a, const Tensor& b, const Tensor& c);
};

const UnaryGate& unary_gate(int index);
const BinaryGate& binary_gate(int index);
const TernaryGate& ternary_gate(int index);

}  // namespace gradgate
