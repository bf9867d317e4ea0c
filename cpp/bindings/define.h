// Defines functions and Tensor methods from one C++ function.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "bindings/casters.h"
#include "graph/view_history.h"

namespace gradgate {

inline pybind11::handle tensor_class() { return reinterpret_cast<PyObject*>(tensor_type); }

inline void set_type_attribute(const char* name, const pybind11::object& value) { tensor_class().attr(name) = value; }

// A method of Tensor; f's first parameter is the tensor. A second definition of a name adds an overload.
template <class F, class... Extra>
void define_method(const char* name, F&& f, const char* doc, const Extra&... extra) {
  namespace py = pybind11;
  set_type_attribute(name, py::cpp_function(std::forward<F>(f), py::name(name), py::is_method(tensor_class()),
                                            py::sibling(py::getattr(tensor_class(), name, py::none())), py::doc(doc), extra...));
}

// A read-only property of Tensor.
template <class F>
void define_property(const char* name, F&& f, const char* doc) {
  namespace py = pybind11;
  const py::object property = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(&PyProperty_Type));
  set_type_attribute(name, property(py::cpp_function(std::forward<F>(f), py::name(name), py::is_method(tensor_class())), py::none(),
                                    py::none(), doc));
}
template <class Get, class Set>
void define_property(const char* name, Get&& get, Set&& set, const char* doc) {
  namespace py = pybind11;
  const py::object property = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(&PyProperty_Type));
  set_type_attribute(name,
                     property(py::cpp_function(std::forward<Get>(get), py::name(name), py::is_method(tensor_class())),
                              py::cpp_function(std::forward<Set>(set), py::name(name), py::is_method(tensor_class())), py::none(), doc));
}

// A function of the module that is a method of Tensor, too: f(input, ...) and input.f(...).
template <class F, class... Extra>
void define(pybind11::module_& m, const char* name, F f, const char* doc, const Extra&... extra) {
  m.def(name, f, doc, pybind11::arg("input"), extra...);
  define_method(name, f, doc, extra...);
}

// An argument of an in-place gate; the target itself is replaced by its value before, which the gate may save.
template <class Argument>
const Argument& unless_target(const Tensor&, const Tensor&, const Argument& argument) {
  return argument;
}
inline const Tensor& unless_target(const Tensor& target, const Tensor& before, const Tensor& argument) {
  return argument.same(target) ? before : argument;
}

inline std::string inplace_documentation(const char* name) {
  return std::string(name) +
         "(), written into this tensor, which is returned.\n\n"
         "Raises RuntimeError where the result does not fit its shape or type, and for a leaf that requires a gradient.";
}

// input.name_(...): the result of f(input, ...) written into input, which it returns.
template <class Result, class... Arguments, class F, class... Extra>
void define_inplace_of(Result (*)(const Tensor&, Arguments...), const char* name, F f, const Extra&... extra) {
  const std::string inplace = std::string(name) + "_";
  define_method(
      inplace.c_str(),
      [f, name](const Tensor& target, Arguments... arguments) {
        check_writable(name, target);
        const Tensor before = before_change(target);
        const Tensor result = f(before, unless_target(target, before, arguments)...);
        keep_if_saved(before);
        replace(name, target, result);
        return target;
      },
      inplace_documentation(name).c_str(), extra...);
}
template <class F, class... Extra>
void define_inplace(const char* name, F f, const Extra&... extra) {
  using Signature = pybind11::detail::function_signature_t<F>;
  define_inplace_of(static_cast<Signature*>(nullptr), name, f, extra...);
}

}  // namespace gradgate
