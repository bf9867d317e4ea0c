// Anomalies: NaNs and infinities, and the gate, leaf or constant that they come from.
#pragma once

#include <vector>

#include "graph/engine/node.h"

namespace gradgate {

// What counts as an anomaly.
struct AnomalyKinds {
  bool nan = true;
  bool infinity = true;
};

// Whether a tensor has an element of these kinds; no tensor of integers has.
bool is_anomalous(const Tensor& t, AnomalyKinds kinds);

// An input of a gate as the gate saw it; undefined when it cannot be computed again, or is no tensor.
struct Operand {
  Tensor value;
  Tensor source;  // the user's own tensor, of a leaf or a constant
};

// Where the anomalies in an output of a gate come from.
struct Origin {
  Ref<Node> gate;     // the gate that made them of clean operands, or was the first to use
  bool given = false; // a leaf or constant that had them already
  Tensor value;       // the anomalous output, leaf or constant
};

// The operands of a gate, computed again from the leaves below it.
std::vector<Operand> operands_of(const Ref<Node>& node);

// Follows anomalous operands back from an output of a gate, NaN before infinities.
Origin origin_of(const Tensor& output, AnomalyKinds kinds);

}  // namespace gradgate
