// The pieces of which gates' texts are made: numbers, shapes, axes, parts.
#pragma once

#include <string>

#include "gates/text.h"
#include "graph/engine/tensor.h"

namespace gradgate {

std::string type_argument(DType dtype);                              // the argument for a type that is not NumPy's own
Text number_text(const Tensor& t);                                   // of one element
std::string tuple_text(const Dims& dims);                            // (2, 3)
Text method_text(const Text& x, const std::string& call);            // x.call
Text reshape_text(const Text& x, const Dims& shape);                 // x.reshape(2, 3)
std::string axes_text(const Dims& dims, int ndim, bool keepdims);    // axis=(0, 1), keepdims=True
Text reduce_text(const Text& x, const char* function, const Dims& dims, int ndim, bool keepdims);
Text zeros_text(const Dims& shape, DType dtype = DType::float64);
Text replaced_text(const Text& x, const std::string& index, const Text& values);
Text added_text(const Text& x, const std::string& index, const Text& values);

}  // namespace gradgate
