// The padding gate.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

// x with before[i] elements of `value` in front of dimension i and after[i] behind; negative counts crop.
Tensor pad(const Tensor& x, const Dims& before, const Dims& after, double value);

}  // namespace gradgate
