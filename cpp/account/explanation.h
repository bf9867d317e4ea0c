// Explanations: every gate below a loss with its values, its gradients and its formulas.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "account/trace.h"

namespace gradgate {

// A tensor on the way to the loss: a leaf, a constant or an output of a gate. An output whose gate has no use for it may be undefined.
struct ExplainedValue {
  Tensor tensor;    // off the graph
  Tensor gradient;  // of the loss by it, summed over its uses; undefined where none flows
  Tensor leaf;      // the user's own tensor, when this is a leaf or a constant
  int gate = -1;    // the gate whose output it is,
  int output = 0;   // and which of them
};

// An input of a gate, and the gradient that goes back to it.
struct ExplainedEdge {
  int value = -1;  // -1 for an argument that is no tensor
  Tensor downstream;  // undefined where none flows
  Tensor local;       // dy/dx of an elementwise gate, of the output's shape
  std::string local_text;
  Written rule;  // the downstream gradient as an expression of the gate's inputs {0}, {1}, outputs {y}, {y1} and upstream {dy}, {dy1}
};

struct ExplainedGate {
  std::string kind;             // "mul"
  std::vector<int> outputs;     // values
  std::vector<Tensor> upstream; // for each output, undefined where none came
  std::vector<ExplainedEdge> inputs;
  Written text;                 // the forward pass; without lines for a gate that NumPy cannot express
  std::vector<Tensor> constants;  // {c0}, {c1} of the texts
  std::uint64_t sequence;         // of the recorded gate
  std::uint32_t line;             // where it was made, as Node has it
};

struct Explanation {
  std::vector<ExplainedValue> values;
  std::vector<ExplainedGate> gates;  // in forward order
};

struct ExplainOptions {
  bool fused = true;                     // or the parts of gates that are compositions
  bool texts = true;                     // also the formulas
  std::optional<DType> dtype = {};       // compute in this floating-point type instead of the recorded ones
};

// Runs the gates below the loss again, forward and backward, on a graph of its own: no gradient, hook, saved value or version of the
// loss's graph changes. Throws RuntimeError off the graph, for a loss of several elements, after the graph was freed, and where a tensor
// was changed in place since.
Explanation explain(const Tensor& loss, const ExplainOptions& options);

}  // namespace gradgate
