// The Tensor type and the operators that Python has slots for.
#include "bindings/tensor_type.h"

#include <structmember.h>

#include <limits>

#include "bindings/casters.h"
#include "bindings/index.h"
#include "bindings/tensor_object.h"
#include "graph/elementwise/compare.h"
#include "graph/elementwise/elementwise.h"
#include "graph/elementwise/power.h"
#include "graph/elementwise/quotient.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/products/matmul.h"
#include "graph/reduce/logic.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {

PyTypeObject* tensor_type = nullptr;

namespace {

PyObject* tensor_new(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "Tensor() cannot be called; make tensors with gradgate.tensor(data), zeros(shape) and the like");
  return nullptr;
}

Py_hash_t tensor_hash(PyObject* self) {
  // Objects are aligned to 16 bytes, so that the low bits say nothing.
  const auto address = reinterpret_cast<std::uintptr_t>(self);
  const auto hash = static_cast<Py_hash_t>((address >> 4) | (address << (8 * sizeof(address) - 4)));
  return hash == -1 ? -2 : hash;
}

// The result of f(a, b) on the operands of a binary operator, NotImplemented when one is no tensor or number.
template <class F>
PyObject* binary_operator(PyObject* a, PyObject* b, F f) {
  return guarded([&]() -> PyObject* {
    const Tensor x = operand_from(a), y = operand_from(b);
    if (!x.defined() || !y.defined()) Py_RETURN_NOTIMPLEMENTED;
    return wrap(f(x, y));
  });
}

template <class G>
PyObject* gate_operator(PyObject* a, PyObject* b) {
  return binary_operator(a, b, [](const Tensor& x, const Tensor& y) { return apply<G>(x, y); });
}
PyObject* power_operator(PyObject* a, PyObject* b, PyObject*) {
  return binary_operator(a, b, [](const Tensor& x, const Tensor& y) { return power(x, y); });
}
PyObject* matmul_operator(PyObject* a, PyObject* b) {
  return binary_operator(a, b, [](const Tensor& x, const Tensor& y) { return matmul(x, y); });
}
Tensor floor_divide(const Tensor& x, const Tensor& y) { return rounded_quotient("floor_divide", Rounding::floor, x, y); }
Tensor modulo(const Tensor& x, const Tensor& y) { return remainder("remainder", Rounding::floor, x, y); }
PyObject* floor_divide_operator(PyObject* a, PyObject* b) { return binary_operator(a, b, floor_divide); }
PyObject* modulo_operator(PyObject* a, PyObject* b) { return binary_operator(a, b, modulo); }
template <Logic logic>
PyObject* bitwise_operator(PyObject* a, PyObject* b) {
  return binary_operator(a, b, [](const Tensor& x, const Tensor& y) { return bitwise(logic, x, y); });
}

template <class G>
PyObject* unary_operator(PyObject* self) {
  return guarded([&] { return wrap(apply<G>(unwrap(self))); });
}
PyObject* positive_operator(PyObject* self) { return Py_NewRef(self); }
PyObject* invert_operator(PyObject* self) {
  return guarded([&] {
    const Tensor x = unwrap(self);
    if (is_floating(x.dtype()))
      fail<TypeError>("~ (operator.invert) is only implemented on integer and bool tensors, got ", x.dtype(), "; use logical_not()");
    return wrap(bitwise_not(x));
  });
}

// self = f(self, other), keeping the object.
template <class F>
PyObject* inplace_operator(const char* name, PyObject* self, PyObject* other, F f) {
  return guarded([&]() -> PyObject* {
    const Tensor y = operand_from(other);
    if (!y.defined()) Py_RETURN_NOTIMPLEMENTED;
    const Tensor x = unwrap(self);
    check_writable(name, x);
    const Tensor before = before_change(x);
    const Tensor result = f(before, y.same(x) ? before : y);
    keep_if_saved(before);
    replace(name, x, result);
    return Py_NewRef(self);
  });
}
template <class G>
PyObject* inplace_gate(PyObject* self, PyObject* other) {
  return inplace_operator(G::info.name, self, other, [](const Tensor& x, const Tensor& y) { return apply<G>(x, y); });
}
PyObject* inplace_power(PyObject* self, PyObject* other, PyObject*) {
  return inplace_operator("pow", self, other, [](const Tensor& x, const Tensor& y) { return power(x, y); });
}
PyObject* inplace_floor_divide(PyObject* self, PyObject* other) { return inplace_operator("floor_divide", self, other, floor_divide); }
PyObject* inplace_modulo(PyObject* self, PyObject* other) { return inplace_operator("remainder", self, other, modulo); }
template <Logic logic>
PyObject* inplace_bitwise(PyObject* self, PyObject* other) {
  return inplace_operator("bitwise operation", self, other, [](const Tensor& x, const Tensor& y) { return bitwise(logic, x, y); });
}

PyObject* tensor_compare(PyObject* a, PyObject* b, int operation) {
  return binary_operator(a, b, [&](const Tensor& x, const Tensor& y) {
    switch (operation) {
      case Py_EQ: return compare(Comparison::eq, x, y);
      case Py_NE: return compare(Comparison::ne, x, y);
      case Py_LT: return compare(Comparison::lt, x, y);
      case Py_LE: return compare(Comparison::le, x, y);
      case Py_GT: return compare(Comparison::gt, x, y);
      default: return compare(Comparison::ge, x, y);
    }
  });
}

int tensor_bool(PyObject* self) {
  return guarded([&]() -> int {
    const Tensor x = unwrap(self);
    if (x.numel() != 1)
      fail<RuntimeError>("Boolean value of Tensor with more than one value is ambiguous (shape ", x.shape(), "); use .any() or .all()");
    return PyObject_IsTrue(item(x).ptr());
  });
}
py::object only_element(PyObject* self) {
  const Tensor x = unwrap(self);
  if (x.numel() != 1) fail<ValueError>("only one element tensors can be converted to Python scalars, got shape ", x.shape());
  return item(x);
}
PyObject* tensor_float(PyObject* self) {
  return guarded([&] { return PyNumber_Float(only_element(self).ptr()); });
}
PyObject* tensor_int(PyObject* self) {
  return guarded([&] { return PyNumber_Long(only_element(self).ptr()); });
}
PyObject* tensor_index(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Tensor x = unwrap(self);
    if (is_floating(x.dtype()) || x.numel() != 1)
      fail<TypeError>("only integer tensors of a single element can be converted to an index, got ", x.dtype(), " of shape ", x.shape());
    return PyNumber_Long(item(x).ptr());
  });
}

Py_ssize_t tensor_length(PyObject* self) {
  return guarded([&]() -> Py_ssize_t {
    const Tensor x = unwrap(self);
    if (x.ndim() == 0) fail<TypeError>("len() of a 0-d tensor");
    return static_cast<Py_ssize_t>(x.size(0));
  });
}
PyObject* tensor_subscript(PyObject* self, PyObject* index) {
  return guarded([&] { return wrap(get_item(unwrap(self), index)); });
}
int tensor_assign_subscript(PyObject* self, PyObject* index, PyObject* value) {
  return guarded([&]() -> int {
    if (!value) fail<TypeError>("tensor elements cannot be deleted");
    set_item(unwrap(self), index, value);
    return 0;
  });
}
PyObject* tensor_iter(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const Tensor x = unwrap(self);
    if (x.ndim() == 0) fail<TypeError>("iteration over a 0-d tensor");
    if (x.size(0) > std::numeric_limits<std::int32_t>::max()) fail<RuntimeError>("iteration over ", x.size(0), " rows is not supported");
    py::list rows;
    for (std::int64_t i = 0; i < x.size(0); ++i) rows.append(py::reinterpret_steal<py::object>(wrap(select_index(x, 0, i))));
    return PyObject_GetIter(rows.ptr());
  });
}

int tensor_contains(PyObject* self, PyObject* value) {
  return guarded([&]() -> int {
    const Tensor sought = operand_from(value);
    if (!sought.defined())
      fail<RuntimeError>("Tensor.__contains__ only supports Tensor or scalar, but you passed in a ", Py_TYPE(value)->tp_name);
    return *any(compare(Comparison::eq, unwrap(self), sought)).data<bool>();
  });
}

PyMemberDef tensor_members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weak_references), READONLY, nullptr},
                                {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, attributes), READONLY, nullptr},
                                {}};
PyGetSetDef tensor_getters[] = {{"__dict__", tensor_attributes, tensor_replace_attributes, nullptr, nullptr}, {}};

template <class F>
void* slot(F* f) {
  return reinterpret_cast<void*>(f);
}

PyType_Slot tensor_slots[] = {
    {Py_tp_doc, const_cast<char*>("An n-dimensional array whose computation can be differentiated.")},
    {Py_tp_new, slot(tensor_new)},
    {Py_tp_dealloc, slot(tensor_dealloc)},
    {Py_tp_traverse, slot(tensor_traverse)},
    {Py_tp_clear, slot(tensor_clear)},
    {Py_tp_setattro, slot(tensor_set_attribute)},
    {Py_tp_getset, tensor_getters},
    {Py_tp_hash, slot(tensor_hash)},
    {Py_tp_richcompare, slot(tensor_compare)},
    {Py_tp_iter, slot(tensor_iter)},
    {Py_tp_members, tensor_members},
    {Py_nb_add, slot(gate_operator<Add>)},
    {Py_nb_subtract, slot(gate_operator<Sub>)},
    {Py_nb_multiply, slot(gate_operator<Mul>)},
    {Py_nb_true_divide, slot(gate_operator<Div>)},
    {Py_nb_floor_divide, slot(floor_divide_operator)},
    {Py_nb_remainder, slot(modulo_operator)},
    {Py_nb_power, slot(power_operator)},
    {Py_nb_matrix_multiply, slot(matmul_operator)},
    {Py_nb_and, slot(bitwise_operator<Logic::conjunction>)},
    {Py_nb_or, slot(bitwise_operator<Logic::disjunction>)},
    {Py_nb_xor, slot(bitwise_operator<Logic::exclusive>)},
    {Py_nb_inplace_add, slot(inplace_gate<Add>)},
    {Py_nb_inplace_subtract, slot(inplace_gate<Sub>)},
    {Py_nb_inplace_multiply, slot(inplace_gate<Mul>)},
    {Py_nb_inplace_true_divide, slot(inplace_gate<Div>)},
    {Py_nb_inplace_floor_divide, slot(inplace_floor_divide)},
    {Py_nb_inplace_remainder, slot(inplace_modulo)},
    {Py_nb_inplace_power, slot(inplace_power)},
    {Py_nb_inplace_and, slot(inplace_bitwise<Logic::conjunction>)},
    {Py_nb_inplace_or, slot(inplace_bitwise<Logic::disjunction>)},
    {Py_nb_inplace_xor, slot(inplace_bitwise<Logic::exclusive>)},
    {Py_nb_negative, slot(unary_operator<Neg>)},
    {Py_nb_positive, slot(positive_operator)},
    {Py_nb_absolute, slot(unary_operator<Abs>)},
    {Py_nb_invert, slot(invert_operator)},
    {Py_nb_bool, slot(tensor_bool)},
    {Py_nb_float, slot(tensor_float)},
    {Py_nb_int, slot(tensor_int)},
    {Py_nb_index, slot(tensor_index)},
    {Py_mp_length, slot(tensor_length)},
    {Py_sq_length, slot(tensor_length)},
    {Py_sq_contains, slot(tensor_contains)},
    {Py_mp_subscript, slot(tensor_subscript)},
    {Py_mp_ass_subscript, slot(tensor_assign_subscript)},
    {0, nullptr}};

}  // namespace

void define_tensor_type(py::module_& m) {
  static PyType_Spec spec = {"gradgate.Tensor", sizeof(TensorObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                             tensor_slots};
  PyObject* type = PyType_FromSpec(&spec);
  if (!type) throw py::error_already_set();
  tensor_type = reinterpret_cast<PyTypeObject*>(type);
  m.attr("Tensor") = py::reinterpret_borrow<py::object>(type);
}

PyObject* wrap(const Tensor& t) {
  if (!t.defined()) Py_RETURN_NONE;
  auto* known = static_cast<PyObject*>(t.body()->python);
  // An object of a subclass runs Python code while it goes; its tensor then gets another object.
  return known && Py_REFCNT(known) > 0 ? Py_NewRef(known) : new_object(tensor_type, t);
}

PyObject* wrap_as(PyTypeObject* type, const Tensor& t) { return new_object(type, t); }

Tensor operand_from(PyObject* object) {
  if (is_tensor(object)) return unwrap(object);
  if (PyFloat_CheckExact(object)) return number(PyFloat_AS_DOUBLE(object));
  if (PyBool_Check(object)) return number(object == Py_True);
  if (PyLong_Check(object)) {
    const long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    return number(static_cast<std::int64_t>(value));
  }
  if (PyFloat_Check(object)) return number(PyFloat_AS_DOUBLE(object));
  return tensor_from_foreign(object);
}

}  // namespace gradgate
