// Adding up gradients in as little memory traffic as ownership allows.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// sum += dx for a gradient that is still on its way; an undefined sum becomes dx. Adds in place when `sum` has one owner and
// nothing is recorded.
void add_gradient(Tensor& sum, Tensor dx, bool create_graph);

// Adds a gradient to a leaf's .grad; an undefined .grad takes the gradient's memory when nobody else has it.
void accumulate_gradient(const Tensor& leaf, Tensor gradient, bool create_graph);

}  // namespace gradgate
