// The extension module gradgate._core.
#include "bindings/module.h"

#include "bindings/arguments.h"
#include "bindings/casters.h"
#include "bindings/numpy.h"

namespace gradgate {
namespace {

// Every name without an underscore is public; __all__ says so to Python and to type checkers.
void define_public_names(pybind11::module_& m) {
  pybind11::list names;
  for (const auto& [name, value] : m.attr("__dict__").cast<pybind11::dict>())
    if (name.cast<std::string>().front() != '_') names.append(name);
  names.attr("sort")();
  m.attr("__all__") = names;
}

void define_errors() {
  // The standard library's classes reach Python as pybind11 translates them.
  pybind11::register_exception_translator([](std::exception_ptr exception) {
    try {
      if (exception) std::rethrow_exception(exception);
    } catch (const TypeError& e) {
      pybind11::set_error(PyExc_TypeError, e.what());
    } catch (const std::length_error&) {
      pybind11::set_error(PyExc_MemoryError, "a sequence states a length that no memory could hold");
    } catch (const pybind11::cast_error&) {
      pybind11::set_error(PyExc_TypeError, "an argument, or a value in one, has a type that cannot be used here");
    }
  });
}

PyObject* refuse_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyErr_Format(PyExc_TypeError, "%s cannot be called; gradgate makes these objects itself", type->tp_name);
  return nullptr;
}

// Objects that only the core makes: one that Python made would have no value.
void refuse_making(pybind11::handle type) {
  static PyMethodDef refuse = {"__new__",
                               [](PyObject*, PyObject* arguments) {
                                 PyTypeObject* type = nullptr;
                                 if (!PyArg_ParseTuple(arguments, "O!", &PyType_Type, &type)) return static_cast<PyObject*>(nullptr);
                                 return refuse_new(type, nullptr, nullptr);
                               },
                               METH_VARARGS, nullptr};
  auto* made = reinterpret_cast<PyTypeObject*>(type.ptr());
  made->tp_new = refuse_new;
  // Set as an attribute it would change tp_new in turn, to a call of itself that object.__new__ goes around.
  const auto function = pybind11::reinterpret_steal<pybind11::object>(PyCFunction_New(&refuse, nullptr));
  if (!function || PyDict_SetItemString(made->tp_dict, "__new__", function.ptr()) != 0) throw pybind11::error_already_set();
  PyType_Modified(made);
}

newfunc new_registered = nullptr;

// Python finds it safe to call __new__ of a base class alone, without __init__, unless the class has a function of its own for it.
PyObject* new_to_be_initialised(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  return new_registered(type, arguments, keywords);
}

// No registered type has objects without a value: reading one is reading memory at random.
void guard_making(const pybind11::module_& m) {
  const pybind11::object base = m.attr("Node").attr("__base__");
  new_registered = reinterpret_cast<PyTypeObject*>(base.ptr())->tp_new;
  for (pybind11::handle type : base.attr("__subclasses__")()) {
    if (!type.attr("__module__").equal(m.attr("__name__"))) continue;
    const auto own = pybind11::dict(type.attr("__dict__"));
    if (PyInstanceMethod_Check(pybind11::object(own["__init__"]).ptr()))
      reinterpret_cast<PyTypeObject*>(type.ptr())->tp_new = new_to_be_initialised;
    else
      refuse_making(type);
  }
}

}  // namespace
}  // namespace gradgate

// What PyInit__core() below starts.
PYBIND11_MODULE(registered_core, m) {
  m.doc() = "The core of Gradgate: tensors, gates and the backward engine.";
  gradgate::define_errors();
  gradgate::define_tensor_type(m);
  gradgate::define_dtypes(m);
  gradgate::define_configuration(m);
  gradgate::define_numpy(m);
  gradgate::define_creation(m);
  gradgate::define_random(m);
  gradgate::define_shapes(m);
  gradgate::define_joining(m);
  gradgate::define_conversions(m);
  gradgate::define_gates(m);
  gradgate::define_quotients(m);
  gradgate::define_further_names(m);
  gradgate::define_autograd(m);
  gradgate::define_optimizer(m);
  gradgate::define_clip(m);
  gradgate::define_reduce(m);
  gradgate::define_sorting(m);
  gradgate::define_fused(m);
  gradgate::define_softmax(m);
  gradgate::define_dlpack(m);
  gradgate::define_function(m);
  gradgate::define_explain(m);
  gradgate::define_watchers(m);
  gradgate::define_vitals(m);
  gradgate::define_linear_algebra(m);
  gradgate::define_gather(m);
  gradgate::define_rearrangement(m);
  gradgate::define_ufunc();
  gradgate::guard_making(m);
  gradgate::explain_arguments(m);
  gradgate::define_public_names(m);
}

// Python calls this. The core's state, its reference counts among it, is one for the process and guarded by the main interpreter's lock,
// for which pybind11 would wait in another interpreter for ever.
extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit_registered_core();
  PyErr_SetString(PyExc_ImportError, "gradgate does not support sub-interpreters; import it in the main interpreter");
  return nullptr;
}
