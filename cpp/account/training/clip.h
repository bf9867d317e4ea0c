// Limits on gradients, which are changed in place and off the graph.
#pragma once

#include <vector>

#include "graph/engine/tensor.h"

namespace gradgate {

// The gradients that these tensors have.
std::vector<Tensor> gradients_of(const std::vector<Tensor>& parameters);

// The norm of order p, (), of all tensors as one vector: the norm of their norms; 0 of none. Throws RuntimeError for a norm that is
// NaN or infinite if `must_be_finite`.
Tensor total_norm(const std::vector<Tensor>& tensors, double p, bool must_be_finite);

// Scales the gradients by max_norm / (total + 1e-6) unless that is at least 1; NaN scales, too.
void scale_to_norm(const std::vector<Tensor>& gradients, double max_norm, const Tensor& total);

// Limits every element to [-most, most].
void limit_elements(const std::vector<Tensor>& gradients, double most);

}  // namespace gradgate
