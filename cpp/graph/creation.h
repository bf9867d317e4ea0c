// Tensors made from nothing.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

Tensor full(const Dims& shape, double value, DType dtype);
Tensor zeros(const Dims& shape, DType dtype);
Tensor ones(const Dims& shape, DType dtype);

// A 0-d number as Python's numbers become tensors: it does not widen what it meets.
Tensor number(double value);
Tensor number(std::int64_t value);
Tensor number(bool value);

}  // namespace gradgate
