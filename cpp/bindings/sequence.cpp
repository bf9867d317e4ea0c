// Integers, tensors and names of types out of Python sequences.
#include "bindings/sequence.h"

#include "bindings/casters.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {
namespace {

bool is_sequence(py::handle source) {
  return PySequence_Check(source.ptr()) && !PyUnicode_Check(source.ptr()) && !PyBytes_Check(source.ptr());
}

std::vector<std::int64_t> elements_of(const char* operation, const char* argument, const Tensor& t) {
  if (is_floating(t.dtype()) || t.dtype() == DType::boolean || t.ndim() != 1)
    fail<TypeError>(operation, ": ", argument, " must be a sequence of ints or a 1-d tensor of integers, got a tensor of ", t.dtype(),
                    " and shape ", t.shape());
  const Tensor integers = contiguous(cast(t.alias(), DType::int64));
  const auto* first = integers.data<std::int64_t>();
  return {first, first + integers.numel()};
}

}  // namespace

std::int64_t integer_in(const char* operation, const char* argument, py::handle source) {
  if (!PyIndex_Check(source.ptr())) fail<TypeError>(operation, ": ", argument, " must be an int, got ", type_name(source));
  const auto value = py::reinterpret_steal<py::object>(PyNumber_Index(source.ptr()));
  if (!value) throw py::error_already_set();
  const long long integer = PyLong_AsLongLong(value.ptr());
  if (integer == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    fail<TypeError>(operation, ": ", argument, " must be an int of 64 bits, got a larger one");
  }
  return integer;
}

std::vector<std::int64_t> integers_in(const char* operation, const char* argument, py::handle source) {
  if (is_tensor(source.ptr())) return elements_of(operation, argument, unwrap(source.ptr()));
  if (!is_sequence(source)) fail<TypeError>(operation, ": ", argument, " must be a sequence of ints, got ", type_name(source));
  std::vector<std::int64_t> integers;
  each_item(source, [&](const py::object& item) {
    integers.push_back(integer_in(operation, cat("each of ", argument).c_str(), item));
    return true;
  });
  return integers;
}

std::vector<Tensor> tensors_in(const char* operation, const char* argument, py::handle source) {
  if (!py::isinstance<py::iterable>(source))
    fail<TypeError>(operation, ": ", argument, " must be tensors, got ", type_name(source));
  std::vector<Tensor> tensors;
  each_item(source, [&](const py::object& item) {
    py::detail::make_caster<Tensor> caster;
    if (!caster.load(item, true))
      fail<TypeError>(operation, ": each of ", argument, " must be a tensor, got ", type_name(item));
    tensors.push_back(py::detail::cast_op<Tensor&>(caster));
    return true;
  });
  return tensors;
}

py::object frozen(py::handle source, int depth) {
  // A list that holds itself ends somewhere, too; no tensor has as many dimensions.
  constexpr int kDeepest = 2 * kMaxDims;
  if (depth == kDeepest || !(PyList_Check(source.ptr()) || PyTuple_Check(source.ptr()))) return py::reinterpret_borrow<py::object>(source);
  auto items = py::reinterpret_steal<py::object>(PySequence_List(source.ptr()));
  if (!items) throw py::error_already_set();
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.ptr()); ++i) {
    py::object item = frozen(PyList_GET_ITEM(items.ptr(), i), depth + 1);
    PyList_SetItem(items.ptr(), i, item.release().ptr());
  }
  return py::reinterpret_steal<py::object>(PyList_AsTuple(items.ptr()));
}

std::string type_name(py::handle object) {
  const std::string name = Py_TYPE(object.ptr())->tp_name;
  return name.substr(name.rfind('.') + 1);  // all of it where there is no dot
}

std::string type_names(py::handle items) {
  std::string names;
  each_item(items, [&](const py::object& item) {
    names += cat(names.empty() ? "" : ", ", type_name(item));
    return true;
  });
  return cat("(", names, ")");
}

}  // namespace gradgate
