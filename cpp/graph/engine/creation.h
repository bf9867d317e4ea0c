// Tensors made from nothing.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

Tensor full(const Dims& shape, double value, DType dtype);
// Of a 0-d tensor, exact for integers, too.
Tensor full(const Dims& shape, const Tensor& value, DType dtype);
Tensor zeros(const Dims& shape, DType dtype);
Tensor ones(const Dims& shape, DType dtype);

// start, start + step, ... before end. Throws RuntimeError when the step is zero or leads away from the end.
Tensor arange(std::int64_t start, std::int64_t end, std::int64_t step, DType dtype);
Tensor arange(double start, double end, double step, DType dtype);
// `steps` values at equal distances, both ends included; the second half is counted from the end.
Tensor linspace(double start, double end, std::int64_t steps, DType dtype);
// Ones on the diagonal of a rows x columns matrix, zeros elsewhere.
Tensor eye(std::int64_t rows, std::int64_t columns, DType dtype);

// A 0-d number as Python's numbers become tensors: it does not widen what it meets.
Tensor number(double value);
Tensor number(std::int64_t value);
Tensor number(bool value);

}  // namespace gradgate
