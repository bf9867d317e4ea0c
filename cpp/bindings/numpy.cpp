// Exchange with NumPy without copies.
#include "bindings/numpy.h"

#include "bindings/define.h"
#include "graph/view.h"

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

Tensor from_numpy(const py::array& array) {
  DType dtype;
  if (!dtype_from_numpy(array.dtype(), dtype))
    fail<TypeError>("from_numpy: can't convert an array of type ", py::str(array.dtype()).cast<std::string>(),
                    "; the supported types are float32, float64, int64, int32, uint8 and bool: use .astype()");
  Dims shape, strides;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    shape.push_back(array.shape(i));
    if (array.strides(i) % array.itemsize() != 0)
      fail<ValueError>("from_numpy: the array's strides are not multiples of its element size; copy it first");
    strides.push_back(array.strides(i) / array.itemsize());
  }
  if (reinterpret_cast<std::uintptr_t>(array.data()) % static_cast<std::uintptr_t>(array.itemsize()) != 0)
    fail<ValueError>("from_numpy: the array's memory is not aligned to its element size; copy it first");
  PyObject* owner = Py_NewRef(array.ptr());
  auto storage = Storage::adopt(const_cast<void*>(array.data()), static_cast<std::size_t>(array.nbytes()), owner,
                                [](void* object) { Py_DECREF(static_cast<PyObject*>(object)); });
  std::byte* data = storage->data;
  return Tensor::over(std::move(storage), data, shape, strides, dtype);
}

py::array to_numpy(const Tensor& t) {
  if (t.requires_grad()) fail<RuntimeError>("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead");
  std::vector<py::ssize_t> shape, strides;
  for (int i = 0; i < t.ndim(); ++i) {
    shape.push_back(t.size(i));
    strides.push_back(t.strides()[i] * item_size(t.dtype()));
  }
  return py::array(numpy_dtype(t.dtype()), shape, strides, t.bytes(), py::reinterpret_steal<py::object>(wrap(t)));
}

namespace {

// NumPy's protocol: a view unless a copy or another type is asked for.
py::object array_protocol(const Tensor& t, const py::object& dtype, const py::object& copy) {
  py::object array = to_numpy(t);
  const bool other_type = !dtype.is_none() && !py::dtype::from_args(dtype).equal(numpy_dtype(t.dtype()));
  if (other_type && !copy.is_none() && !copy.cast<bool>())
    fail<ValueError>("__array__: a tensor of ", t.dtype(), " cannot become an array of another type without a copy");
  if (other_type) return array.attr("astype")(dtype);
  return !copy.is_none() && copy.cast<bool>() ? array.attr("copy")() : array;
}

}  // namespace

void define_numpy(py::module_& m) {
  m.def("from_numpy", from_numpy, py::arg("ndarray"),
        "A tensor that shares the array's memory, of the same shape, strides and type.\n\n"
        "Raises TypeError for element types other than float32, float64, int64, int32, uint8 and bool.");
  define_method("numpy", to_numpy,
                "A NumPy array that shares the tensor's memory.\n\nRaises RuntimeError when the tensor requires a gradient.");
  define_method("__array__", array_protocol, "NumPy's array protocol.", py::arg("dtype") = py::none(), py::arg("copy") = py::none());
  define_method("item", item, "The single element as a Python number.\n\nRaises RuntimeError when there is not exactly one.");
  define_method(
      "tolist", [](const Tensor& t) { return to_numpy(detach(t)).attr("tolist")(); },
      "The elements as nested lists of Python numbers; a number for a 0-d tensor.");
  // NumPy leaves `array + tensor` to the tensor.
  set_type_attribute("__array_priority__", py::int_(1000));
}

}  // namespace gradgate
