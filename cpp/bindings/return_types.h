// The named tuples in which some functions return several tensors.
#pragma once

#include <pybind11/pybind11.h>

#include "graph/engine/tensor.h"

namespace gradgate {

// A tuple type `gradgate.return_types.<operation>` of two named tensors.
class PairType {
 public:
  PairType(const char* operation, const char* first, const char* second);
  pybind11::object operator()(const Tensor& first, const Tensor& second) const;

 private:
  pybind11::object type_;
};

}  // namespace gradgate
