// The fused normalisations.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// (x - mean) / sqrt(var + eps) * weight + bias over the last dimensions, whose sizes `normalized` lists; var is the mean of the squared
// deviations. weight and bias have the shape `normalized` or are undefined. Equal to its composition, in one gate.
// Throws RuntimeError where the shapes or types do not fit.
Tensor layer_norm(const Tensor& x, const Dims& normalized, const Tensor& weight, const Tensor& bias, double eps);

}  // namespace gradgate
