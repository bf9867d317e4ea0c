// Defines functions and Tensor methods from one C++ function.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>
#include <type_traits>
#include <variant>

#include "bindings/casters.h"
#include "graph/engine/record.h"
#include "graph/shapes/conversion.h"

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

// The type of a setter's value, void of what is no setter.
template <class Set>
struct SetterValue;
template <>
struct SetterValue<std::nullptr_t> {
  using Type = void;
};
template <class Set>
  requires(!std::is_null_pointer_v<Set>)
struct SetterValue<Set> {
  template <class Value>
  static std::decay_t<Value> value_of(void (*)(const Tensor&, Value));
  using Type = decltype(value_of(static_cast<pybind11::detail::function_signature_t<Set>*>(nullptr)));
};

// An attribute of Tensor as a descriptor of the native type, which costs no call of the generic binding layer. Its docstring opens with
// its type, and the type that it can be set to, for tools/generate_stubs.py.
template <class Get, class Set>
class Property {
  using Value = std::decay_t<std::invoke_result_t<Get, const Tensor&>>;
  using NewValue = typename SetterValue<Set>::Type;
  using NewValueOrNothing = std::conditional_t<std::is_void_v<NewValue>, std::monostate, NewValue>;
  // What pybind11 calls a type. Between three @ stand its names as that of an argument and as that of a result.
  enum class Role { neutral, argument, result };
  template <class T>
  static std::string type_name(Role wanted) {
    std::string chosen;
    Role role = Role::neutral;
    for (const char c : std::string(pybind11::detail::make_caster<T>::name.text)) {
      if (c == '@')
        role = static_cast<Role>((static_cast<int>(role) + 1) % 3);
      else if (role == Role::neutral || role == wanted)
        chosen += c;
    }
    return chosen;
  }

 public:
  Property(const char* name, Get get, Set set, const char* doc) : get_(get), set_(set) {
    if constexpr (std::is_void_v<NewValue>) {
      doc_ = cat(name, ": ", type_name<Value>(Role::result), "\n\n", doc);
      definition_ = {name, read, nullptr, doc_.c_str(), this};
    } else {
      doc_ = cat(name, ": ", type_name<Value>(Role::result), ", set to ", type_name<NewValue>(Role::argument), "\n\n", doc);
      definition_ = {name, read, write, doc_.c_str(), this};
    }
    PyObject* descriptor = PyDescr_NewGetSet(tensor_type, &definition_);
    if (!descriptor) throw pybind11::error_already_set();
    set_type_attribute(name, pybind11::reinterpret_steal<pybind11::object>(descriptor));
  }

 private:
  static PyObject* read(PyObject* self, void* property) {
    using Caster = pybind11::detail::make_caster<Value>;
    return guarded([&] {
      return Caster::cast(static_cast<Property*>(property)->get_(unwrap(self)), pybind11::return_value_policy::move, {}).ptr();
    });
  }

  static int write(PyObject* self, PyObject* value, void* property) {
    return guarded([&] { return static_cast<Property*>(property)->assign(unwrap(self), value); });
  }

  int assign(const Tensor& t, PyObject* value) {
    if (!value) return remove(t);
    if constexpr (!std::is_void_v<NewValue>) {
      pybind11::detail::make_caster<NewValue> caster;
      if (!caster.load(value, false))
        fail<TypeError>("Tensor.", definition_.name, " must be ", type_name<NewValue>(Role::argument), ", got ", Py_TYPE(value)->tp_name);
      set_(t, pybind11::detail::cast_op<NewValue&>(caster));
    }
    return 0;
  }

  // What may be None is None once it is deleted.
  int remove(const Tensor& t) {
    if constexpr (std::is_constructible_v<NewValueOrNothing, std::nullopt_t>) {
      set_(t, std::nullopt);
      return 0;
    }
    PyErr_Format(PyExc_AttributeError, "Tensor.%s cannot be deleted", definition_.name);
    return -1;
  }

  Get get_;
  Set set_;
  std::string doc_;
  PyGetSetDef definition_;
};

// Defines a property of Tensor, read-only without `set`. It lives as long as the type, to the end of the process.
template <class Get, class Set>
void define_property(const char* name, Get get, Set set, const char* doc) {
  new Property<Get, Set>(name, get, set, doc);
}
template <class Get>
void define_property(const char* name, Get get, const char* doc) {
  define_property(name, get, nullptr, doc);
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
