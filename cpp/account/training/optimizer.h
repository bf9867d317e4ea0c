// One optimizer step over tensors: parameters, their gradients and their state.
#pragma once

#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "graph/engine/tensor.h"

namespace gradgate {

inline constexpr int kMaxOptimizerStates = 3;

// A parameter that has a gradient, and its state.
struct OptimizedParameter {
  Tensor parameter;
  Tensor state[kMaxOptimizerStates];  // of the parameter's shape and type; undefined where the options need none
  double step;                        // how often the parameter has been updated, this time included
};

// An option of a rule, by name; flags are 0 or 1.
using OptimizerOptions = FunctionRef<double(const char* name)>;

// An update rule of gates/optimizer.h, for tensors.
struct OptimizerRule {
  const char* name;
  int states;
  bool counts_steps;  // otherwise `step` is 1 for a parameter whose state is new, and 2 after

  // Updates the parameters and their state in place, off the graph, and counts the change in their versions. Memory of any order
  // is taken; the pass is fastest when gradient and state have the parameter's. Throws RuntimeError, and changes nothing, when a
  // check below fails or a state has not its parameter's shape and type.
  void (*run)(OptimizerOptions options, const std::vector<OptimizedParameter>& parameters);
};

// Throws ValueError when there is none of this name.
const OptimizerRule& optimizer_rule(const std::string& name);

// Throws RuntimeError unless the parameter is of a floating-point type, no two of its elements share memory, and its gradient has
// its shape and type.
void check_optimizable(const char* rule, const Tensor& parameter);

}  // namespace gradgate
