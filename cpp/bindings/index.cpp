// Turns Python's index expressions into the core's terms.
#include "bindings/index.h"

#include "array/copy.h"
#include "bindings/casters.h"
#include "bindings/numpy.h"
#include "graph/choosing/index.h"
#include "graph/engine/creation.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// What NumPy makes of an object. Throws TypeError or ValueError where it makes nothing of it.
py::array array_from(const char* role, PyObject* object) {
  static const py::object& make = *new py::object(py::module_::import("numpy").attr("asarray"));
  try {
    return make(frozen(object));
  } catch (py::error_already_set& e) {
    const std::string reason = py::str(e.value()).cast<std::string>();
    if (e.matches(PyExc_ValueError)) fail<ValueError>(role, " is no array of numbers: ", reason);
    if (e.matches(PyExc_TypeError)) fail<TypeError>(role, " is no array of numbers: ", reason);
    throw;
  }
}

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

// Bytes are a mask, as PyTorch has it.
IndexTerm byte_mask(const Tensor& bytes) {
  constexpr const char* words = "indexing with a uint8 tensor takes it as a mask; use .bool() for a mask, .long() for positions";
  if (PyErr_WarnEx(PyExc_UserWarning, words, 1) != 0) throw py::error_already_set();
  return IndexTerm::of(cast(bytes.alias(), DType::boolean));
}

// A NumPy array, or a list or other sequence that becomes one, as a tensor of its own memory.
IndexTerm array_term(PyObject* object) {
  const py::array array = array_from("an index", object);
  const char kind = array.dtype().kind();
  if (kind == 'b') return IndexTerm::of(from_numpy(own_array(array, std::nullopt)));
  if (kind == 'u' && array.itemsize() == 1) return byte_mask(from_numpy(own_array(array, std::nullopt)));
  if (kind == 'i' || kind == 'u') return IndexTerm::of(from_numpy(array.attr("astype")("int64")));
  if (array.size() == 0 && !py::isinstance<py::array>(object)) return IndexTerm::of(zeros(from_numpy(array).shape(), DType::int64));
  fail<IndexError>("arrays used as indices must be of an integer type or bool, got ", py::str(array.dtype()).cast<std::string>(),
                   "; convert them to int64 or, for a mask, to bool");
}

IndexTerm tensor_term(const Tensor& t) {
  if (is_floating(t.dtype()))
    fail<IndexError>("tensors used as indices must be int64, int32 or bool tensors, got ", t.dtype(),
                     "; convert it with .long() or, for a mask, .bool()");
  return t.dtype() == DType::uint8 ? byte_mask(t) : IndexTerm::of(t);
}

// Slices, None and ... are terms of a tuple; in a list they would be elements of an array.
void check_elements(PyObject* sequence) {
  each_item(sequence, [](const py::object& item) {
    if (PySlice_Check(item.ptr()) || item.is_none() || item.ptr() == Py_Ellipsis)
      fail<IndexError>("a list used as an index holds a ", Py_TYPE(item.ptr())->tp_name,
                       ", but must hold integers or bools; for an index of several terms use a tuple, x[tuple(index)]");
    return true;
  });
}

bool is_numpy_bool(PyObject* object) {
  static const py::object& type = *new py::object(py::module_::import("numpy").attr("bool_"));
  return reinterpret_cast<PyObject*>(Py_TYPE(object)) == type.ptr();
}

IndexTerm term_from(PyObject* object) {
  if (PyLong_CheckExact(object)) return IndexTerm::integer(integer_from(object));
  if (PySlice_Check(object)) return slice_from(object);
  if (object == Py_None) return IndexTerm::new_axis();
  if (object == Py_Ellipsis) return IndexTerm::ellipsis();
  if (is_tensor(object)) return tensor_term(unwrap(object));
  if (PyBool_Check(object)) return IndexTerm::of(full({}, object == Py_True, DType::boolean));
  if (py::isinstance<py::array>(object) || is_numpy_bool(object)) return array_term(object);
  if (PyIndex_Check(object)) return IndexTerm::integer(integer_from(object));
  if (PySequence_Check(object) && !PyUnicode_Check(object) && !PyBytes_Check(object)) {
    if (PyList_Check(object) || PyTuple_Check(object)) check_elements(object);
    return array_term(object);
  }
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
  return value.defined() ? value : from_numpy(array_from("setitem: the value", object));
}

}  // namespace

Tensor get_item(const Tensor& x, PyObject* index) {
  if (PyLong_CheckExact(index) && x.ndim() > 0) return select_index(x, 0, wrap_index(integer_from(index), 0, x.size(0)));
  return get_item(x, terms_from(index));
}

void set_item(const Tensor& x, PyObject* index, PyObject* value) { set_item(x, terms_from(index), value_from(value)); }

}  // namespace gradgate
