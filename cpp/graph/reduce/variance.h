// Variance and standard deviation.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// Sums of squared deviations from the mean, in two passes, divided by max(0, count - correction). Empty `dims` means all.
// Throws RuntimeError for integers and bools.
Tensor var(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);
Tensor standard_deviation(const Tensor& x, const Dims& dims = {}, double correction = 1, bool keepdim = false);

}  // namespace gradgate
