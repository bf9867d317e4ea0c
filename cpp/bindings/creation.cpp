// Functions that make tensors.
#include "bindings/define.h"
#include "bindings/module.h"
#include "bindings/numpy.h"
#include "graph/copy.h"
#include "graph/creation.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// A copy of data (nested sequences of numbers, an array, a tensor), in the type asked for. Python floats take the default type.
Tensor tensor(const py::object& data, const std::optional<DType>& dtype, bool requires_grad) {
  Tensor source;
  bool python_numbers = false;
  if (is_tensor(data.ptr())) {
    source = unwrap(data.ptr()).alias();
  } else {
    python_numbers = !py::isinstance<py::array>(data) && !py::hasattr(data, "dtype");
    const py::array array = py::array::ensure(data);
    if (!array) throw py::error_already_set();
    source = from_numpy(array);
  }
  const bool floats = python_numbers && source.dtype() == DType::float64;
  const DType wanted = dtype.value_or(floats || (python_numbers && source.numel() == 0) ? default_dtype() : source.dtype());
  Tensor out = Tensor::empty(source.shape(), wanted);
  copy_elements(out, source);
  if (requires_grad && !is_floating(wanted)) fail<RuntimeError>("only Tensors of floating point dtype can require gradients, got ", wanted);
  out.body()->requires_grad = requires_grad;
  return out;
}

}  // namespace

void define_creation(py::module_& m) {
  m.def("tensor", tensor, py::arg("data"), py::kw_only(), py::arg("dtype") = py::none(), py::arg("requires_grad") = false,
        "A tensor with a copy of data: numbers, nested sequences of them, a NumPy array or a tensor.");
}

}  // namespace gradgate
