// The quotients rounded to integers, and the remainders, as functions and Tensor methods.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/elementwise/quotient.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// name(input, other), input.name(other) and input.name_(other).
template <class F>
void define_quotient(py::module_& m, const char* name, F f, const char* summary) {
  const std::string doc =
      cat(summary, "\n\nElementwise, broadcast, in the operands' common type. Raises RuntimeError for integers over zero, and for bools.");
  define(m, name, f, doc.c_str(), py::arg("other"));
  define_inplace(name, f, py::arg("other"));
}

}  // namespace

void define_quotients(py::module_& m) {
  define_quotient(
      m, "floor_divide", [](const Tensor& a, const Tensor& b) { return rounded_quotient("floor_divide", Rounding::floor, a, b); },
      "The quotient rounded down, as Python's //; no gradient flows.");
  define_quotient(
      m, "remainder", [](const Tensor& a, const Tensor& b) { return remainder("remainder", Rounding::floor, a, b); },
      "input - other * floor(input / other), as Python's %: of other's sign.");
  define_quotient(
      m, "fmod", [](const Tensor& a, const Tensor& b) { return remainder("fmod", Rounding::truncate, a, b); },
      "input - other * trunc(input / other), as C's fmod: of input's sign.");
}

}  // namespace gradgate
