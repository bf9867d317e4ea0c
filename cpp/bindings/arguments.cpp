// Calls pybind11's functions, and rewrites what they say of arguments that do not fit.
#include "bindings/arguments.h"

#include <string>
#include <string_view>
#include <vector>

#include "bindings/casters.h"
#include "bindings/define.h"
#include "bindings/exit.h"
#include "bindings/signature.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// pybind11 calls its functions by one of these conventions, depending on its version.
using FastCall = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);
using TupleCall = PyObject* (*)(PyObject*, PyObject*, PyObject*);
FastCall fast_call = nullptr;
TupleCall tuple_call = nullptr;

// "sum" and the texts of its signatures, from pybind11's message; no signatures when it is another message.
struct Refusal {
  std::string name;
  std::vector<std::string> signatures;

  explicit Refusal(std::string_view message) {
    const std::size_t end = message.find("(): incompatible "), first = message.find(":\n    1. ");
    const std::size_t last = message.find("\n\nInvoked with: ");
    if (end == std::string_view::npos || first == std::string_view::npos || last == std::string_view::npos) return;
    name = message.substr(0, end);
    std::string_view lines = message.substr(first + 2, last - first - 2);
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      signatures.emplace_back(line.substr(line.find(". ") + 2));
      lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    }
    // A constructor's signature opens with the name of its class.
    if (name != "__init__") return;
    name = signatures[0].substr(0, signatures[0].find('('));
    name = name.substr(name.rfind('.') + 1);
  }
};

// The sentence about a call that fits none of the forms.
std::string sentence_about(const Refusal& refusal, CallArguments call) {
  // That of a constructor leaves out the object.
  if (!refusal.signatures[0].starts_with('(') && !call.positional.empty()) call.positional.erase(call.positional.begin());
  std::vector<Signature> forms(refusal.signatures.begin(), refusal.signatures.end());
  std::vector<Misfit> misfits, of_type;
  for (const Signature& form : forms) {
    const std::optional<Misfit> why = misfit(form, call);
    if (!why) continue;
    misfits.push_back(*why);
    if (why->of_type) of_type.push_back(*why);
  }
  const std::string name = refusal.name + "(): ";
  if (forms.size() == 1 && misfits.size() == 1) return name + misfits[0].sentence;
  if (misfits.size() == forms.size() && of_type.size() == 1) return name + of_type[0].sentence;
  std::string types, choices;
  for (const py::object& value : call.positional) types += cat(types.empty() ? "" : ", ", type_name(value));
  for (const auto& [key, value] : call.named) types += cat(types.empty() ? "" : ", ", key, "=", type_name(value));
  for (const Signature& form : forms) choices += cat(choices.empty() ? "" : " or ", refusal.name, form.form());
  return cat(name, "the arguments (", types, ") do not fit; expected ", choices);
}

// Rewrites the error that a call left behind, if it is pybind11's about its arguments.
void rewrite_error(const CallArguments& call) {
  py::error_already_set error;
  const Refusal refusal(py::str(error.value()).cast<std::string>());
  if (refusal.signatures.empty())
    error.restore();
  else
    PyErr_SetString(PyExc_TypeError, sentence_about(refusal, call).c_str());
}

PyObject* checked_fast(PyObject* self, PyObject* const* arguments, Py_ssize_t flagged, PyObject* names) {
  PyObject* result = until_exit([&] { return fast_call(self, arguments, flagged, names); });
  if (result || !PyErr_ExceptionMatches(PyExc_TypeError)) return result;
  return guarded([&]() -> PyObject* {
    CallArguments call;
    const Py_ssize_t count = PyVectorcall_NARGS(static_cast<std::size_t>(flagged));
    for (Py_ssize_t i = 0; i < count; ++i) call.positional.push_back(py::reinterpret_borrow<py::object>(arguments[i]));
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i)
      call.named.emplace_back(py::str(PyTuple_GET_ITEM(names, i)), py::reinterpret_borrow<py::object>(arguments[count + i]));
    rewrite_error(call);
    return nullptr;
  });
}

PyObject* checked_tuple(PyObject* self, PyObject* arguments, PyObject* keywords) {
  PyObject* result = until_exit([&] { return tuple_call(self, arguments, keywords); });
  if (result || !PyErr_ExceptionMatches(PyExc_TypeError)) return result;
  return guarded([&]() -> PyObject* {
    CallArguments call;
    for (py::handle value : py::reinterpret_borrow<py::tuple>(arguments))
      call.positional.push_back(py::reinterpret_borrow<py::object>(value));
    if (keywords)
      for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(keywords))
        call.named.emplace_back(py::str(key), py::reinterpret_borrow<py::object>(value));
    rewrite_error(call);
    return nullptr;
  });
}

// The function behind a method, as the type's dictionary keeps it.
PyObject* function_of(PyObject* object) { return PyInstanceMethod_Check(object) ? PyInstanceMethod_Function(object) : object; }

// Whether pybind11 made it: its functions are bound to a record of their forms. Definitions of Python's own are shared between types.
bool is_registered(PyObject* function) {
  PyObject* self = PyCFunction_CheckExact(function) ? PyCFunction_GET_SELF(function) : nullptr;
  return self && std::string_view(Py_TYPE(self)->tp_name).find("function_record") != std::string_view::npos;
}

void explain_function(PyObject* function) {
  if (!is_registered(function)) return;
  PyMethodDef* definition = reinterpret_cast<PyCFunctionObject*>(function)->m_ml;
  const auto meth = reinterpret_cast<void (*)()>(definition->ml_meth);
  if (meth == reinterpret_cast<void (*)()>(checked_fast) || meth == reinterpret_cast<void (*)()>(checked_tuple)) return;
  if (definition->ml_flags == (METH_FASTCALL | METH_KEYWORDS)) {
    fast_call = reinterpret_cast<FastCall>(meth);
    definition->ml_meth = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(checked_fast));
  } else if (definition->ml_flags == (METH_VARARGS | METH_KEYWORDS)) {
    tuple_call = reinterpret_cast<TupleCall>(meth);
    definition->ml_meth = reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(checked_tuple));
  }
}

void explain_members(py::handle owner) {
  for (const auto& [name, value] : py::dict(owner.attr("__dict__"))) {
    explain_function(function_of(value.ptr()));
    if (PyType_Check(value.ptr()) && py::object(value.attr("__module__")).equal(py::str("gradgate._core")))
      for (const auto& [member, method] : py::dict(value.attr("__dict__"))) explain_function(function_of(method.ptr()));
  }
}

}  // namespace

void explain_arguments(py::module_& m) {
  explain_members(m);
  explain_members(tensor_class());
}

}  // namespace gradgate
