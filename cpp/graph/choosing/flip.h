// Elements in reverse or in rotated order.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// A copy of x in reverse order along each of `dims`, which are not negative.
Tensor flip(const Tensor& x, const Dims& dims);

// A copy of x whose elements moved by shifts[i] places along dims[i]; what leaves at one end comes in at the other.
Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims);

}  // namespace gradgate
