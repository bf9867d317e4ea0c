// How pybind11 converts the core's types to and from Python's.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "base/dims.h"
#include "base/dtype.h"
#include "bindings/sequence.h"
#include "bindings/tensor_type.h"

namespace gradgate {

// The single element as a Python number. Throws RuntimeError when there is not exactly one.
pybind11::object item(const Tensor& t);

// A NumPy scalar or array as a tensor (arrays share their memory, read-only ones too); undefined for anything else.
Tensor tensor_from_foreign(PyObject* object);
// As operand_from(), but over memory that may be written to: what a function returns may be a view of its argument.
Tensor argument_from(PyObject* object);

// The object that stands for a type in Python, one for each, and what Python objects name a type: these, NumPy's, and
// float, int and bool.
pybind11::object dtype_object(DType dtype);
bool dtype_from(pybind11::handle source, DType& dtype);

// Dimensions given as an int or a sequence of ints.
struct DimsArgument {
  Dims value;
};

// The dimensions of an argument list: (2, 3), ((2, 3),) or ([2, 3],).
Dims dims_from(const char* operation, const pybind11::args& args);

// Dimensions wrapped, each at most once. Throws IndexError or RuntimeError.
Dims wrap_dims(const char* operation, const Dims& dims, int ndim);

}  // namespace gradgate

namespace pybind11::detail {

template <>
struct type_caster<gradgate::Tensor> {
  PYBIND11_TYPE_CASTER(gradgate::Tensor, const_name("gradgate.Tensor"));

  bool load(handle source, bool convert) {
    if (gradgate::is_tensor(source.ptr())) {
      value = gradgate::unwrap(source.ptr());
      return true;
    }
    if (!convert) return false;
    value = gradgate::argument_from(source.ptr());
    return value.defined();
  }
  static handle cast(const gradgate::Tensor& t, return_value_policy, handle) { return gradgate::wrap(t); }
};

template <>
struct type_caster<gradgate::DType> {
  PYBIND11_TYPE_CASTER(gradgate::DType, const_name("gradgate.dtype"));

  bool load(handle source, bool) { return gradgate::dtype_from(source, value); }
  static handle cast(gradgate::DType dtype, return_value_policy, handle) { return gradgate::dtype_object(dtype).release(); }
};

template <>
struct type_caster<gradgate::Dims> {
  PYBIND11_TYPE_CASTER(gradgate::Dims, const_name("tuple[int, ...]"));

  bool load(handle source, bool) {
    if (!PySequence_Check(source.ptr()) || PyUnicode_Check(source.ptr()) || gradgate::is_tensor(source.ptr())) return false;
    value = gradgate::Dims();
    return gradgate::each_item(source, [this](const object& element) {
      make_caster<std::int64_t> integer;
      if (!PyIndex_Check(element.ptr()) || !integer.load(element, true)) return false;
      value.push_back(cast_op<std::int64_t>(integer));
      return true;
    });
  }
  static handle cast(const gradgate::Dims& dims, return_value_policy, handle) {
    tuple t(static_cast<std::size_t>(dims.size()));
    for (int i = 0; i < dims.size(); ++i) t[static_cast<std::size_t>(i)] = dims[i];
    return t.release();
  }
};

template <>
struct type_caster<gradgate::DimsArgument> {
  PYBIND11_TYPE_CASTER(gradgate::DimsArgument, const_name("int | tuple[int, ...]"));

  bool load(handle source, bool convert) {
    make_caster<gradgate::Dims> sequence;
    if (sequence.load(source, convert)) {
      value.value = cast_op<gradgate::Dims&>(sequence);
      return true;
    }
    make_caster<std::int64_t> integer;
    if (!PyIndex_Check(source.ptr()) || !integer.load(source, convert)) return false;
    value.value = {cast_op<std::int64_t>(integer)};
    return true;
  }
  static handle cast(const gradgate::DimsArgument& dims, return_value_policy policy, handle parent) {
    return make_caster<gradgate::Dims>::cast(dims.value, policy, parent);
  }
};

}  // namespace pybind11::detail
