// Exchange with NumPy without copies.
#include "bindings/numpy.h"

#include <vector>

#include "bindings/define.h"
#include "graph/engine/phrase.h"
#include "graph/engine/record.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {

py::dtype numpy_dtype(DType dtype) {
  return visit(dtype, []<class T>() { return py::dtype::of<T>(); });
}

bool dtype_from_numpy(const py::object& source, DType& dtype) {
  py::dtype wanted;
  try {
    wanted = py::dtype::from_args(source);
  } catch (py::error_already_set&) {
    return false;
  }
  for (DType candidate : {DType::boolean, DType::uint8, DType::int32, DType::int64, DType::float32, DType::float64})
    if (wanted.equal(numpy_dtype(candidate))) {
      dtype = candidate;
      return true;
    }
  return false;
}

namespace {

// Whether a byte is neither 0 nor 1 in the part of an array that begins there; `dim` is its first dimension.
bool has_other_bytes(const py::array& array, const std::uint8_t* data, py::ssize_t dim) {
  if (dim == array.ndim()) return *data > 1;
  const py::ssize_t count = array.shape(dim), stride = array.strides(dim);
  if (dim == array.ndim() - 1 && stride == 1) {
    std::uint8_t all = 0;
    for (py::ssize_t i = 0; i < count; ++i) all |= data[i];
    return all > 1;
  }
  // Along a stride of 0 there is one row only.
  for (py::ssize_t i = 0; i < (stride ? count : std::min<py::ssize_t>(count, 1)); ++i)
    if (has_other_bytes(array, data + i * stride, dim + 1)) return true;
  return false;
}

// Whether an array of bools has bytes other than 0 and 1, as a view of other memory may: kernels rely on these two.
bool holds_other_bools(const py::array& array) {
  return array.dtype().kind() == 'b' && has_other_bytes(array, static_cast<const std::uint8_t*>(array.data()), 0);
}

// Why the array's memory cannot be a tensor's, null when it can.
const char* hindrance(const py::array& array) {
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    if (array.strides(i) % array.itemsize() != 0) return "strides that are not multiples of its element size";
    if (array.strides(i) < 0 && array.shape(i) > 1) return "negative strides";
  }
  if (reinterpret_cast<std::uintptr_t>(array.data()) % static_cast<std::uintptr_t>(array.itemsize()) != 0)
    return "memory that is not aligned to its element size";
  return nullptr;
}

}  // namespace

bool is_shareable(const py::array& array) {
  DType dtype;
  return array.writeable() && dtype_from_numpy(array.dtype(), dtype) && !hindrance(array) && !holds_other_bools(array);
}

py::array own_array(const py::object& data, const std::optional<DType>& dtype) {
  static const py::object* const make = new py::object(py::module_::import("numpy").attr("array"));
  py::array array = (*make)(frozen(data), py::arg("order") = "C");
  const bool numeric = std::string_view("biuf").find(array.dtype().kind()) != std::string_view::npos;
  if (holds_other_bools(array)) array = array.attr("view")("uint8").attr("astype")("bool");
  if (dtype && numeric) return (*make)(array, numpy_dtype(*dtype), py::arg("order") = "C");
  if (array.dtype().byteorder() == '=' || array.dtype().byteorder() == '|') return array;
  return (*make)(array, array.dtype().attr("newbyteorder")("="));
}

namespace {

Tensor over_memory_of(const py::array& array) {
  DType dtype;
  if (!dtype_from_numpy(array.dtype(), dtype))
    fail<TypeError>("can't convert a NumPy array of type ", py::str(array.dtype()).cast<std::string>(),
                    "; the supported types are float32, float64, int64, int32, uint8 and bool: use .astype()");
  if (const char* reason = hindrance(array)) fail<ValueError>("from_numpy: the array has ", reason, "; use array.copy()");
  Dims shape, strides;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    shape.push_back(array.shape(i));
    strides.push_back(std::max<py::ssize_t>(array.strides(i), 0) / array.itemsize());
  }
  if (array.size() == 0) strides = contiguous_strides(shape);  // NumPy's are all zero then
  PyObject* owner = Py_NewRef(array.ptr());
  auto storage = Storage::adopt(const_cast<void*>(array.data()), static_cast<std::size_t>(array.nbytes()), owner,
                                [](void* object) { Py_DECREF(static_cast<PyObject*>(object)); });
  std::byte* data = storage->data;
  return Tensor::over(std::move(storage), data, shape, strides, dtype);
}

}  // namespace

Tensor from_numpy(const py::array& array) {
  if (holds_other_bools(array))
    fail<ValueError>("from_numpy: the array has bools whose bytes are neither 0 nor 1; use array.view('uint8') != 0");
  return over_memory_of(array);
}

Tensor operand_from_numpy(const py::array& array) {
  return over_memory_of(holds_other_bools(array) ? own_array(array, std::nullopt) : array);
}

py::array to_numpy(const Tensor& t) {
  if (t.requires_grad()) fail<RuntimeError>("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead");
  std::vector<py::ssize_t> shape, strides;
  for (int i = 0; i < t.ndim(); ++i) {
    shape.push_back(t.size(i));
    strides.push_back(t.strides()[i] * item_size(t.dtype()));
  }
  // The array keeps the memory, whatever memory the tensor itself is given later.
  return py::array(numpy_dtype(t.dtype()), shape, strides, t.bytes(), py::reinterpret_steal<py::object>(wrap(t.alias())));
}

namespace {

Tensor shared_or_copied(const py::array& array) {
  if (array.writeable()) return from_numpy(array);
  // Memory that NumPy guards may be a file's or a constant's: writing there would end the program.
  if (PyErr_WarnEx(PyExc_UserWarning,
                   "from_numpy: the array is not writable, so the tensor holds a copy of it; pass array.copy() to silence this", 1) != 0)
    throw py::error_already_set();
  return from_numpy(own_array(array, std::nullopt));
}

// NumPy's protocol: a view unless a copy or another type is asked for.
py::object array_protocol(const Tensor& t, const py::object& dtype, const std::optional<bool>& copy) {
  py::object array = to_numpy(t);
  const bool other_type = !dtype.is_none() && !py::dtype::from_args(dtype).equal(numpy_dtype(t.dtype()));
  if (other_type && copy == false)
    fail<ValueError>("__array__: a tensor of ", t.dtype(), " cannot become an array of another type without a copy");
  if (other_type) return array.attr("astype")(dtype);
  return copy == true ? array.attr("copy")() : array;
}

// What NumPy's functions make of tensors: a tensor, where there is a type for it.
py::object wrap_array(const py::object&, const py::array& array, const py::args&) {
  DType dtype;
  return dtype_from_numpy(array.dtype(), dtype) ? py::cast(from_numpy(array)) : py::object(array);
}

}  // namespace

void define_numpy(py::module_& m) {
  m.def("from_numpy", shared_or_copied, py::arg("ndarray"),
        "A tensor that shares the array's memory, of the same shape, strides and type. Warns and copies when the array is read-only.\n\n"
        "Raises TypeError for element types other than float32, float64, int64, int32, uint8 and bool, and ValueError for memory\n"
        "that is not aligned or has negative strides.");
  define_method(
      "numpy", [](const Tensor& t, bool force) { return to_numpy(force ? detach(t) : t); },
      "A NumPy array that shares the tensor's memory.\n\n"
      "Raises RuntimeError when the tensor requires a gradient, unless force leaves that to the caller.",
      py::kw_only(), py::arg("force") = false);
  define_method("__array__", array_protocol, "NumPy's array protocol.", py::arg("dtype") = py::none(), py::arg("copy") = py::none());
  define_method("__array_wrap__", wrap_array, "Makes the results of NumPy's functions tensors.", py::arg("array"));
  define_method("item", item, "The single element as a Python number.\n\nRaises RuntimeError when there is not exactly one.");
  define_method(
      "tolist", [](const Tensor& t) { return to_numpy(detach(t)).attr("tolist")(); },
      "The elements as nested lists of Python numbers; a number for a 0-d tensor.");
  // NumPy leaves `array + tensor` to the tensor.
  set_type_attribute("__array_priority__", py::int_(1000));
}

}  // namespace gradgate
