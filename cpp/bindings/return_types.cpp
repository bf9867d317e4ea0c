// Makes the types of named tuples of tensors.
#include "bindings/return_types.h"

#include <string>

#include "bindings/casters.h"

namespace py = pybind11;

namespace gradgate {

PairType::PairType(const char* operation, const char* first, const char* second) {
  // Python keeps the name as a pointer, and the types live to the interpreter's end.
  const std::string& name = *new std::string(std::string("gradgate.return_types.") + operation);
  PyStructSequence_Field fields[] = {{first, nullptr}, {second, nullptr}, {nullptr, nullptr}};
  PyStructSequence_Desc description = {name.c_str(), "Two tensors with names, otherwise a tuple.", fields, 2};
  type_ = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyStructSequence_NewType(&description)));
  if (!type_) throw py::error_already_set();
}

py::object PairType::operator()(const Tensor& first, const Tensor& second) const {
  py::object pair = py::reinterpret_steal<py::object>(PyStructSequence_New(reinterpret_cast<PyTypeObject*>(type_.ptr())));
  if (!pair) throw py::error_already_set();
  PyStructSequence_SetItem(pair.ptr(), 0, wrap(first));
  PyStructSequence_SetItem(pair.ptr(), 1, wrap(second));
  return pair;
}

}  // namespace gradgate
