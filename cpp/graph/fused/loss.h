// The fused losses.
#pragma once

#include <cstdint>

#include "graph/engine/tensor.h"

namespace gradgate {

enum class LossReduction { none, mean, sum };

// -weight[t] * log(softmax(x)[t]) for each class index t in `target`. x is (N, C, d1, ...) or (C,), the target integers of shape
// (N, d1, ...) or (), the weight (C,) or undefined. Targets equal to ignore_index add nothing, and the mean divides by the sum of the
// weights of the others. Equal to log_softmax and a gather, in one gate.
// Throws ValueError where the shapes do not fit, IndexError for a class outside 0 ... C - 1, RuntimeError for other types.
Tensor cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight, LossReduction reduction, std::int64_t ignore_index);

}  // namespace gradgate
