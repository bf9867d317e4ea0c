// PyTorch's second names of gates, and its functions that are gates in sequence.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/elementwise/elementwise.h"
#include "graph/reduce/closeness.h"

namespace py = pybind11;

namespace gradgate {
namespace {

struct SecondName {
  const char* name;
  const char* of;
};
constexpr SecondName kSecondNames[] = {
    {"absolute", "abs"}, {"clip", "clamp"}, {"divide", "div"},       {"true_divide", "div"}, {"fix", "trunc"},
    {"greater", "gt"},   {"less", "lt"},    {"greater_equal", "ge"}, {"less_equal", "le"},   {"multiply", "mul"},
    {"negative", "neg"}, {"not_equal", "ne"}, {"subtract", "sub"}};

void define_second_name(py::module_& m, const SecondName& second) {
  m.attr(second.name) = m.attr(second.of);
  // As the type keeps them: looked up as attributes they would be functions, which do not bind to a tensor.
  const py::object methods = tensor_class().attr("__dict__");
  set_type_attribute(second.name, methods[second.of]);
  const std::string name = cat(second.name, "_"), of = cat(second.of, "_");
  if (methods.contains(of)) set_type_attribute(name.c_str(), methods[of.c_str()]);
}

// f(input, ...), input.f(...) and input.f_(...).
template <class F, class... Extra>
void define_with_inplace(py::module_& m, const char* name, F f, const char* doc, const Extra&... extra) {
  define(m, name, f, doc, extra...);
  define_inplace(name, f, extra...);
}

void define_sequences_of_gates(py::module_& m) {
  define_with_inplace(
      m, "addcmul", [](const Tensor& x, const Tensor& a, const Tensor& b, const Tensor& value) { return x + value * (a * b); },
      "input + value * tensor1 * tensor2, broadcast.", py::arg("tensor1").noconvert(), py::arg("tensor2").noconvert(), py::kw_only(),
      py::arg("value") = 1);
  define_with_inplace(
      m, "addcdiv", [](const Tensor& x, const Tensor& a, const Tensor& b, const Tensor& value) { return x + value * (a / b); },
      "input + value * tensor1 / tensor2, broadcast.", py::arg("tensor1").noconvert(), py::arg("tensor2").noconvert(), py::kw_only(),
      py::arg("value") = 1);
}

void define_closeness(py::module_& m) {
  constexpr const char* close =
      "|input - other| <= atol + rtol * |other|, with equal infinities close, and NaN to NaN where equal_nan says so";
  define(m, "equal", equal, "Whether both have the same shape and the same elements; NaN equals nothing.", py::arg("other"));
  define(m, "isclose", isclose, (std::string(close) + ", as a bool tensor.\n\nElementwise, broadcast.").c_str(), py::arg("other"),
         py::arg("rtol") = 1e-5, py::arg("atol") = 1e-8, py::arg("equal_nan") = false);
  define(m, "allclose", allclose, ("Whether for all elements " + std::string(close) + ".").c_str(), py::arg("other"),
         py::arg("rtol") = 1e-5, py::arg("atol") = 1e-8, py::arg("equal_nan") = false);
}

}  // namespace

void define_further_names(py::module_& m) {
  for (const SecondName& second : kSecondNames) define_second_name(m, second);
  define_sequences_of_gates(m);
  define_closeness(m);
}

}  // namespace gradgate
