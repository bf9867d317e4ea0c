// Reads nested Python sequences of numbers as tensors.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>

#include "graph/engine/tensor.h"

namespace gradgate {

// A tensor of the numbers (Python's, NumPy's, 0-d tensors) in nested sequences, in `dtype` or else the type they promote to, where
// Python floats count as the default type. Undefined when the object holds arrays, which NumPy reads better. Throws ValueError for
// ragged sequences and integers beyond 64 bits, RuntimeError for elements that are no numbers, TypeError for text.
Tensor tensor_from_numbers(pybind11::handle data, const std::optional<DType>& dtype);

}  // namespace gradgate
