// Turns Python's index expressions into the core's terms.
#include "bindings/index.h"

#include "bindings/casters.h"
#include "bindings/numpy.h"
#include "graph/index.h"
#include "graph/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

std::int64_t integer_from(PyObject* object) {
  const Py_ssize_t i = PyNumber_AsSsize_t(object, PyExc_IndexError);
  if (i == -1 && PyErr_Occurred()) throw py::error_already_set();
  return i;
}

IndexTerm slice_from(PyObject* object) {
  Py_ssize_t start, stop, step;
  if (PySlice_Unpack(object, &start, &stop, &step) < 0) throw py::error_already_set();
  if (step < 0) fail<ValueError>("slice step must be greater than zero, got ", step, "; use .flip() to reverse a dimension");
  return IndexTerm::slice(start, stop, step);
}

IndexTerm term_from(PyObject* object) {
  if (PyLong_CheckExact(object)) return IndexTerm::integer(integer_from(object));
  if (PySlice_Check(object)) return slice_from(object);
  if (object == Py_None) return IndexTerm::new_axis();
  if (object == Py_Ellipsis) return IndexTerm::ellipsis();
  if (!PyBool_Check(object) && PyIndex_Check(object)) return IndexTerm::integer(integer_from(object));
  fail<IndexError>("only integers, slices (`:`), ellipsis (`...`), None and integer or bool tensors are valid indices (got ",
                   Py_TYPE(object)->tp_name, ")");
}

IndexTerms terms_from(PyObject* index) {
  IndexTerms terms;
  if (!PyTuple_Check(index)) {
    terms.push_back(term_from(index));
    return terms;
  }
  const Py_ssize_t count = PyTuple_GET_SIZE(index);
  terms.reserve(static_cast<std::size_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) terms.push_back(term_from(PyTuple_GET_ITEM(index, i)));
  return terms;
}

Tensor value_from(PyObject* object) {
  const Tensor value = operand_from(object);
  if (value.defined()) return value;
  const py::array array = py::array::ensure(py::reinterpret_borrow<py::object>(object));
  if (!array) throw py::error_already_set();
  return from_numpy(array);
}

}  // namespace

Tensor get_item(const Tensor& x, PyObject* index) {
  if (PyLong_CheckExact(index) && x.ndim() > 0) return select_index(x, 0, wrap_index(integer_from(index), 0, x.size(0)));
  return get_item(x, terms_from(index));
}

void set_item(const Tensor& x, PyObject* index, PyObject* value) { set_item(x, terms_from(index), value_from(value)); }

}  // namespace gradgate
