// Reads Python sequences, whose items may be made on the fly and which may change while they are read.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>
#include <vector>

#include "graph/engine/tensor.h"

namespace gradgate {

// Calls f(item) for each item, until it returns false; whether it never did. Reading an item may run Python code, which may drop it
// from the sequence: it is held meanwhile, and the length is looked at again before the next.
template <class F>
bool each_item(pybind11::handle source, F f) {
  namespace py = pybind11;
  if (PyList_CheckExact(source.ptr()) || PyTuple_CheckExact(source.ptr())) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(source.ptr()); ++i)
      if (!f(py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(source.ptr(), i)))) return false;
    return true;
  }
  for (py::handle item : py::reinterpret_borrow<py::object>(source))
    if (!f(py::reinterpret_borrow<py::object>(item))) return false;
  return true;
}

// The integer that an object is or stands for, as __index__ tells. Throws TypeError that names the operation and the argument.
std::int64_t integer_in(const char* operation, const char* argument, pybind11::handle source);

// The integers of a sequence and the tensors of an iterable; a tensor of integers is a sequence of them.
std::vector<std::int64_t> integers_in(const char* operation, const char* argument, pybind11::handle source);
std::vector<Tensor> tensors_in(const char* operation, const char* argument, pybind11::handle source);

// Lists as tuples, those in them too: other libraries read an object that Python code may change meanwhile.
pybind11::object frozen(pybind11::handle source, int depth = 0);

// "Tensor": the name of an object's type without its module, for messages; and "(Tensor, int)" for the items of a sequence.
std::string type_name(pybind11::handle object);
std::string type_names(pybind11::handle items);

}  // namespace gradgate
