// The walk over nested sequences: once for their shape and type, once for their elements.
#include "bindings/nested.h"

#include "array/copy.h"
#include "bindings/casters.h"
#include "graph/engine/types.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {
namespace {

bool is_numpy_scalar(py::handle object) {
  static const py::object* const generic = new py::object(py::module_::import("numpy").attr("generic"));
  return py::isinstance(object, *generic);
}

bool is_number(py::handle object) { return PyFloat_Check(object.ptr()) || PyLong_Check(object.ptr()) || is_numpy_scalar(object); }

bool is_array_like(py::handle object) {
  if (PyList_CheckExact(object.ptr()) || PyTuple_CheckExact(object.ptr())) return false;
  // A tensor of one element is a number, whatever its shape.
  if (is_tensor(object.ptr())) return unwrap(object.ptr()).numel() != 1;
  return !is_number(object) && (py::hasattr(object, "__array__") || py::hasattr(object, "__array_interface__"));
}

bool is_text(py::handle object) { return PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr()); }

py::object items_of(py::handle data) {
  auto items = py::reinterpret_steal<py::object>(PySequence_Fast(data.ptr(), "tensor: expected a sequence"));
  if (!items) throw py::error_already_set();
  return items;
}

// Looking at an element may run Python code, which may change the sequence and drop the element.
py::object item_at(const py::object& items, Py_ssize_t i, Py_ssize_t count) {
  if (PySequence_Fast_GET_SIZE(items.ptr()) != count) fail<RuntimeError>("tensor: a sequence changed while it was read");
  return py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), i));
}

class Nested {
 public:
  explicit Nested(py::handle data) { measure(data, 0); }

  bool holds_arrays() const { return arrays_; }
  const Dims& shape() const { return shape_; }
  DType dtype() const { return found_ ? dtype_ : default_dtype(); }

 private:
  void measure(py::handle data, int depth) {
    if (arrays_ || is_array_like(data)) {
      arrays_ = true;
      return;
    }
    if (is_text(data)) fail<TypeError>("tensor: expected numbers, got ", Py_TYPE(data.ptr())->tp_name);
    if (is_number(data) || !PySequence_Check(data.ptr()) || is_tensor(data.ptr())) {
      if (depth != shape_.size() && known_) ragged(depth, "a number");
      known_ = true;
      add_type(data);
      return;
    }
    const py::object items = items_of(data);
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(items.ptr());
    if (depth == shape_.size() && !known_)
      shape_.push_back(count);
    else if (depth >= shape_.size())
      ragged(depth, "a sequence");
    else if (shape_[depth] != count)
      fail<ValueError>("tensor: expected sequence of length ", shape_[depth], " at dim ", depth, " (got ", count, ")");
    for (Py_ssize_t i = 0; i < count; ++i) measure(item_at(items, i, count), depth + 1);
    known_ = true;
  }

  [[noreturn]] static void ragged(int depth, const char* got) {
    fail<ValueError>("tensor: the sequences are ragged: got ", got, " at depth ", depth, ", where others go on or end");
  }

  void add_type(py::handle number) {
    DType dtype;
    if (PyFloat_CheckExact(number.ptr())) {
      dtype = default_dtype();
    } else if (PyBool_Check(number.ptr())) {
      dtype = DType::boolean;
    } else if (PyLong_Check(number.ptr())) {
      dtype = DType::int64;
    } else if (is_tensor(number.ptr())) {
      dtype = unwrap(number.ptr()).dtype();
    } else if (is_numpy_scalar(number)) {
      dtype = tensor_from_foreign(number.ptr()).dtype();
    } else if (PyFloat_Check(number.ptr())) {
      dtype = default_dtype();
    } else {
      fail<RuntimeError>("tensor: could not infer dtype of ", Py_TYPE(number.ptr())->tp_name, "; expected numbers");
    }
    dtype_ = found_ ? promote(dtype_, dtype) : dtype;
    found_ = true;
  }

  Dims shape_;
  DType dtype_ = DType::boolean;
  bool known_ = false;   // whether the depth of the elements is
  bool found_ = false;   // an element
  bool arrays_ = false;
};

template <class T>
T number_from(py::handle element) {
  const py::object value = is_tensor(element.ptr()) ? item(unwrap(element.ptr())) : py::reinterpret_borrow<py::object>(element);
  T number;
  if constexpr (std::is_same_v<T, double>) {
    number = PyFloat_AsDouble(value.ptr());
  } else {
    const auto integer = py::reinterpret_steal<py::object>(PyNumber_Long(value.ptr()));
    if (!integer) throw py::error_already_set();
    number = PyLong_AsLongLong(integer.ptr());
  }
  if (number == T(-1) && PyErr_Occurred()) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) throw py::error_already_set();
    PyErr_Clear();
    fail<ValueError>("tensor: overflow: ", py::str(value).cast<std::string>(), " does not fit in 64 bits");
  }
  return number;
}

template <class T>
void read(py::handle data, const Dims& shape, int depth, T*& out) {
  if (depth == shape.size()) {
    *out++ = number_from<T>(data);
    return;
  }
  const py::object items = items_of(data);
  for (Py_ssize_t i = 0; i < shape[depth]; ++i) read(item_at(items, i, shape[depth]), shape, depth + 1, out);
}

}  // namespace

Tensor tensor_from_numbers(py::handle data, const std::optional<DType>& dtype) {
  const Nested nested(data);
  if (nested.holds_arrays()) return {};
  const bool floats = is_floating(nested.dtype()) || (dtype && is_floating(*dtype));
  const Tensor numbers = Tensor::empty(nested.shape(), floats ? DType::float64 : DType::int64);
  if (floats) {
    auto* out = numbers.data<double>();
    read(data, nested.shape(), 0, out);
  } else {
    auto* out = numbers.data<std::int64_t>();
    read(data, nested.shape(), 0, out);
  }
  if (dtype && !is_floating(*dtype)) check_fits("tensor", numbers, *dtype);
  return cast(numbers, dtype.value_or(nested.dtype()));
}

}  // namespace gradgate
