// gradgate.Tensor as a native Python type, and the way between it and the core's Tensor.
//
// The type is written by hand rather than registered with pybind11, because a generic binding layer costs more than a small gate.
#pragma once

#include <pybind11/pybind11.h>

#include "bindings/exit.h"
#include "graph/engine/tensor.h"

namespace gradgate {

struct TensorObject {
  PyObject_HEAD
  PyObject* weak_references;
  PyObject* attributes;  // its __dict__; null until there is one
  Ref<TensorBody> body;
};

extern PyTypeObject* tensor_type;

// Makes the type; called once, when the module is imported.
void define_tensor_type(pybind11::module_& m);

inline bool is_tensor(PyObject* object) { return PyObject_TypeCheck(object, tensor_type); }
inline Tensor unwrap(PyObject* object) { return Tensor(reinterpret_cast<TensorObject*>(object)->body); }

// A new reference to the object that stands for this tensor: the same one as long as any is alive; None when undefined.
PyObject* wrap(const Tensor& t);
// A new object of a subclass for this tensor, which must have none yet.
PyObject* wrap_as(PyTypeObject* type, const Tensor& t);

// A tensor, or a Python or NumPy number as one; undefined when the object is neither.
Tensor operand_from(PyObject* object);

// Runs f and turns what it throws into a Python exception, of which the return value null (or -1) tells.
template <class F>
auto guarded(F f) noexcept -> decltype(f()) {
  using Result = decltype(f());
  try {
    return until_exit(f);
  } catch (pybind11::error_already_set& e) {
    e.restore();
  } catch (const pybind11::builtin_exception& e) {
    e.set_error();
  } catch (const TypeError& e) {
    PyErr_SetString(PyExc_TypeError, e.what());
  } catch (const std::out_of_range& e) {
    PyErr_SetString(PyExc_IndexError, e.what());
  } catch (const std::invalid_argument& e) {
    PyErr_SetString(PyExc_ValueError, e.what());
  } catch (const std::bad_alloc& e) {
    PyErr_SetString(PyExc_MemoryError, e.what());
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
  if constexpr (std::is_pointer_v<Result>)
    return nullptr;
  else
    return static_cast<Result>(-1);
}

}  // namespace gradgate
