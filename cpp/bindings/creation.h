// Defines functions that make tensors: those share the keyword arguments dtype, device and requires_grad.
#pragma once

#include <optional>
#include <string>

#include "bindings/define.h"

namespace gradgate {

// A type asked for, or none.
using TypeArgument = std::optional<DType>;

// Throws RuntimeError unless the device is the CPU.
void check_device(const char* operation, const std::optional<std::string>& device);

// A new tensor as a leaf. Throws RuntimeError when it requires a gradient and is not floating-point.
Tensor as_leaf(const Tensor& t, bool requires_grad);

// The size of a new tensor: from f(2, 3), f((2, 3)) or f(size=(2, 3)). Throws TypeError when there is none or two.
Dims size_from(const char* operation, const pybind11::args& args, const std::optional<DimsArgument>& size);

// f(arguments..., dtype, device, requires_grad), which makes its tensor as make(dtype, arguments...) does.
template <class... Arguments, class F>
auto maker(Tensor (*)(const TypeArgument&, Arguments...), const std::string& name, F make) {
  return [make, name](Arguments... arguments, const TypeArgument& dtype, const std::optional<std::string>& device, bool requires_grad) {
    check_device(name.c_str(), device);
    return as_leaf(make(dtype, arguments...), requires_grad);
  };
}
template <class F>
auto maker(const std::string& name, F make) {
  return maker(static_cast<pybind11::detail::function_signature_t<F>*>(nullptr), name, make);
}

// Defines it as a function of the module or as a method of Tensor. `extra` names the arguments, with kw_only at the end unless the
// first is pybind11::args.
template <class F, class... Extra>
void define_maker(pybind11::module_& m, const char* name, F make, const char* doc, const Extra&... extra) {
  namespace py = pybind11;
  m.def(name, maker(name, make), doc, extra..., py::arg("dtype") = py::none(), py::arg("device") = py::none(),
        py::arg("requires_grad") = false);
}
template <class F, class... Extra>
void define_maker_method(const char* name, F make, const char* doc, const Extra&... extra) {
  namespace py = pybind11;
  define_method(name, maker(name, make), doc, extra..., py::arg("dtype") = py::none(), py::arg("device") = py::none(),
                py::arg("requires_grad") = false);
}

}  // namespace gradgate
