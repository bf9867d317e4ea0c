// The conversions behind the casters.
#include "bindings/casters.h"

#include <array>

#include "bindings/numpy.h"
#include "graph/engine/creation.h"
#include "graph/engine/types.h"

namespace py = pybind11;

namespace gradgate {
namespace {

constexpr std::array kDTypes = {DType::boolean, DType::uint8, DType::int32, DType::int64, DType::float32, DType::float64};

}  // namespace

py::object item(const Tensor& t) {
  if (t.numel() != 1) fail<RuntimeError>("a Tensor with ", t.numel(), " elements (shape ", t.shape(), ") cannot be converted to Scalar");
  return visit(t.dtype(), [&]<class T>() -> py::object { return py::cast(*t.data<T>()); });
}

Tensor tensor_from_foreign(PyObject* object) {
  if (py::isinstance<py::array>(object)) return operand_from_numpy(py::reinterpret_borrow<py::array>(object));
  // NumPy's scalars keep their type but, like Python's numbers, do not widen.
  static const py::object& generic = *new py::object(py::module_::import("numpy").attr("generic"));
  if (!PyObject_IsInstance(object, generic.ptr())) return {};
  Tensor t = from_numpy(py::array::ensure(object));
  t.body()->number = true;
  return t;
}

Tensor argument_from(PyObject* object) {
  if (!py::isinstance<py::array>(object) || py::reinterpret_borrow<py::array>(object).writeable()) return operand_from(object);
  DType dtype;
  const auto array = py::reinterpret_borrow<py::array>(object);
  // What is no tensor's type is refused by its name.
  return from_numpy(dtype_from_numpy(array.dtype(), dtype) ? own_array(array, std::nullopt) : array);
}

// The objects of the types, by number; never destroyed, as that would come after the interpreter's end.
static std::array<py::object, kDTypes.size()>& dtype_objects() {
  static auto* const objects = new std::array<py::object, kDTypes.size()>;
  return *objects;
}

py::object dtype_object(DType dtype) { return dtype_objects()[static_cast<std::size_t>(dtype)]; }

bool dtype_from(py::handle source, DType& dtype) {
  if (py::isinstance<DTypeObject>(source)) {
    dtype = source.cast<const DTypeObject&>().value;
    return true;
  }
  if (source.ptr() == reinterpret_cast<PyObject*>(&PyFloat_Type)) {
    dtype = DType::float64;
  } else if (source.ptr() == reinterpret_cast<PyObject*>(&PyLong_Type)) {
    dtype = DType::int64;
  } else if (source.ptr() == reinterpret_cast<PyObject*>(&PyBool_Type)) {
    dtype = DType::boolean;
  } else if (py::isinstance<py::dtype>(source) || PyType_Check(source.ptr())) {
    return dtype_from_numpy(py::reinterpret_borrow<py::object>(source), dtype);
  } else {
    return false;
  }
  return true;
}

Dims dims_from(const char* operation, const py::args& args) {
  py::detail::make_caster<Dims> caster;
  const bool nested = args.size() == 1 && py::detail::make_caster<Dims>().load(args[0], false);
  if (!caster.load(nested ? py::object(args[0]) : py::object(args), false))
    fail<TypeError>(operation, ": expected ints or a sequence of ints, got ", type_names(args));
  return py::detail::cast_op<Dims&>(caster);
}

Dims wrap_dims(const char* operation, const Dims& dims, int ndim) {
  Dims wrapped;
  for (std::int64_t d : dims) {
    const int w = wrap_dim(d, ndim);
    if (wrapped.contains(w)) fail<RuntimeError>(operation, ": dim ", d, " appears multiple times in the list of dims ", dims);
    wrapped.push_back(w);
  }
  return wrapped;
}

void define_dtypes(py::module_& m) {
  py::class_<DTypeObject>(m, "dtype", "The type of a tensor's elements.")
      .def_property_readonly("is_floating_point", [](const DTypeObject& d) { return is_floating(d.value); })
      .def_property_readonly("is_complex", [](const DTypeObject&) { return false; })
      .def_property_readonly("is_signed", [](const DTypeObject& d) { return is_signed(d.value); })
      .def_property_readonly("itemsize", [](const DTypeObject& d) { return item_size(d.value); }, "Size of an element in bytes.")
      .def("__repr__", [](const DTypeObject& d) { return std::string("gradgate.") + name(d.value); })
      .def("__reduce__", [](const DTypeObject& d) { return std::string(name(d.value)); });
  for (DType dtype : kDTypes) m.attr(name(dtype)) = dtype_objects()[static_cast<std::size_t>(dtype)] = py::cast(DTypeObject{dtype});
  m.def("promote_types", promote, py::arg("type1"), py::arg("type2"), "The type of a result of two tensors with dimensions.");
  m.def("can_cast", [](DType from, DType to) { return kind(from) <= kind(to); }, py::arg("from_"), py::arg("to"),
        "Whether values may be converted in place: not from floats to integers, nor from these to bool.");
  m.def("result_type", [](const Tensor& a, const Tensor& b) { return result_type(a, b); }, py::arg("tensor1"), py::arg("tensor2"),
        "The type of a result of two tensors or numbers: those with dimensions decide over 0-d ones, and these over numbers, unless\n"
        "the lesser are of a higher kind (bool, integer, floating-point).");
}

}  // namespace gradgate
