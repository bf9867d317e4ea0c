// Tensors over NumPy's memory, and NumPy arrays over tensors'.
#pragma once

#include <optional>

#include "bindings/casters.h"

namespace gradgate {

// The Python object of a type: gradgate.float32 and its kin.
struct DTypeObject {
  DType value;
};
void define_dtypes(pybind11::module_& m);

// Understands what numpy.dtype() does; false when there is no such tensor type.
bool dtype_from_numpy(const pybind11::object& source, DType& dtype);
pybind11::dtype numpy_dtype(DType dtype);

// Shares the array's memory, and keeps the array alive. Throws TypeError for other element types or byte orders and ValueError for
// strides that are no multiple of the element's size, and for bools whose bytes are neither 0 nor 1.
Tensor from_numpy(const pybind11::array& array);
// The same for a gate's operand, which is only read: bools of other bytes than 0 and 1 are copied as what they mean.
Tensor operand_from_numpy(const pybind11::array& array);

// Whether from_numpy can take the array as it is, and may write to it.
bool is_shareable(const pybind11::array& array);
// A new row-major array of what NumPy makes of data, with elements as `dtype` has them or else in the machine's byte order.
pybind11::array own_array(const pybind11::object& data, const std::optional<DType>& dtype);

// Shares the tensor's memory. Throws RuntimeError when the tensor requires a gradient.
pybind11::array to_numpy(const Tensor& t);

void define_numpy(pybind11::module_& m);

}  // namespace gradgate
