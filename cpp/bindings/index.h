// Index expressions as Python writes them.
#pragma once

#include <pybind11/pybind11.h>

#include "graph/engine/tensor.h"

namespace gradgate {

// x[index]
Tensor get_item(const Tensor& x, PyObject* index);
// x[index] = value
void set_item(const Tensor& x, PyObject* index, PyObject* value);

}  // namespace gradgate
