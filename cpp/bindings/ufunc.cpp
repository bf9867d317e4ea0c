// NumPy's functions on tensors, by its protocol __array_ufunc__.
//
// NumPy hands over its operators by it, too: `array + tensor` is the tensor's operator, on the graph, and `array += tensor` writes into
// the array.
#include <tuple>
#include <vector>

#include "bindings/define.h"
#include "bindings/module.h"
#include "bindings/numpy.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// NumPy's function for one of Python's operators, and the slot of Tensor that is the operator.
struct Operator {
  PyObject* ufunc;
  int slot;
  int comparison;  // which, in the slot for all of them
};

const std::vector<Operator>& operators() {
  static const std::vector<Operator>& all = *[] {
    constexpr std::tuple<const char*, int, int> names[] = {
        {"add", Py_nb_add, 0},           {"subtract", Py_nb_subtract, 0},         {"multiply", Py_nb_multiply, 0},
        {"divide", Py_nb_true_divide, 0}, {"floor_divide", Py_nb_floor_divide, 0}, {"remainder", Py_nb_remainder, 0},
        {"power", Py_nb_power, 0},        {"matmul", Py_nb_matrix_multiply, 0},    {"bitwise_and", Py_nb_and, 0},
        {"bitwise_or", Py_nb_or, 0},      {"bitwise_xor", Py_nb_xor, 0},           {"equal", Py_tp_richcompare, Py_EQ},
        {"not_equal", Py_tp_richcompare, Py_NE}, {"less", Py_tp_richcompare, Py_LT},      {"less_equal", Py_tp_richcompare, Py_LE},
        {"greater", Py_tp_richcompare, Py_GT},   {"greater_equal", Py_tp_richcompare, Py_GE}};
    auto* const found = new std::vector<Operator>;
    const py::module_ numpy = py::module_::import("numpy");
    for (const auto& [name, slot, comparison] : names) found->push_back({py::object(numpy.attr(name)).release().ptr(), slot, comparison});
    return found;
  }();
  return all;
}

// a (operator) b as the tensor's slot computes it, a new reference; NotImplemented for operands that are none of tensors'.
PyObject* operator_result(const Operator& which, PyObject* a, PyObject* b) {
  void* slot = PyType_GetSlot(tensor_type, which.slot);
  if (which.slot == Py_tp_richcompare) return reinterpret_cast<richcmpfunc>(slot)(a, b, which.comparison);
  if (which.slot == Py_nb_power) return reinterpret_cast<ternaryfunc>(slot)(a, b, Py_None);
  return reinterpret_cast<binaryfunc>(slot)(a, b);
}

// Tensors as arrays over their memory. Throws RuntimeError for those that require a gradient.
py::object array_of(const py::object& object) {
  return is_tensor(object.ptr()) ? py::object(to_numpy(unwrap(object.ptr()))) : object;
}

// What NumPy computed as tensors, where there is a type for it.
py::object tensor_of(const py::object& result) {
  static const py::object& generic = *new py::object(py::module_::import("numpy").attr("generic"));
  if (py::isinstance<py::tuple>(result)) {
    py::list tensors;
    for (py::handle part : result) tensors.append(tensor_of(py::reinterpret_borrow<py::object>(part)));
    return py::tuple(tensors);
  }
  if (!py::isinstance<py::array>(result) && !py::isinstance(result, generic)) return result;
  const auto array = py::array::ensure(result);
  DType dtype;
  return dtype_from_numpy(array.dtype(), dtype) ? py::cast(from_numpy(array)) : py::object(array);
}

// ufunc.method(*inputs, **options) by NumPy.
py::object numpy_result(const py::object& ufunc, const py::object& method, const py::tuple& inputs, const py::dict& options) {
  py::list arrays;
  for (py::handle input : inputs) arrays.append(array_of(py::reinterpret_borrow<py::object>(input)));
  py::dict named;
  for (const auto& [key, value] : options) named[key] = array_of(py::reinterpret_borrow<py::object>(value));
  const py::object bound = ufunc.attr(method);
  if (!options.contains("out")) return tensor_of(bound(*arrays, **named));
  for (py::handle target : py::tuple(options["out"]))
    if (is_tensor(target.ptr())) fail<TypeError>("out must be a NumPy array; write tensor.copy_(result) for a tensor");
  return bound(*arrays, **named);
}

// __array_ufunc__(ufunc, method, *inputs, **options), a method of the native type, since an operator of an array and a tensor comes here.
PyObject* array_ufunc(PyObject*, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  return guarded([&]() -> PyObject* {
    if (count < 2 || !PyUnicode_Check(arguments[1])) fail<TypeError>("__array_ufunc__: expected a ufunc and the name of its method");
    if (count == 4 && !names && PyUnicode_CompareWithASCIIString(arguments[1], "__call__") == 0)
      for (const Operator& candidate : operators())
        if (candidate.ufunc == arguments[0]) {
          PyObject* result = operator_result(candidate, arguments[2], arguments[3]);
          if (result != Py_NotImplemented) return result;
          Py_DECREF(result);
        }
    py::tuple inputs(static_cast<std::size_t>(count - 2));
    for (Py_ssize_t i = 2; i < count; ++i) inputs[static_cast<std::size_t>(i - 2)] = py::reinterpret_borrow<py::object>(arguments[i]);
    py::dict options;
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i)
      options[PyTuple_GET_ITEM(names, i)] = py::reinterpret_borrow<py::object>(arguments[count + i]);
    return numpy_result(py::reinterpret_borrow<py::object>(arguments[0]), py::reinterpret_borrow<py::object>(arguments[1]), inputs, options)
        .release()
        .ptr();
  });
}

constexpr const char* kDocumentation =
    "__array_ufunc__(self: gradgate.Tensor, ufunc: object, method: str, *args, **kwargs) -> object\n\n"
    "NumPy's protocol for its elementwise functions.";

}  // namespace

void define_ufunc() {
  static PyMethodDef method = {"__array_ufunc__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(array_ufunc)),
                               METH_FASTCALL | METH_KEYWORDS, kDocumentation};
  set_type_attribute("__array_ufunc__", py::reinterpret_steal<py::object>(PyDescr_NewMethod(tensor_type, &method)));
}

}  // namespace gradgate
