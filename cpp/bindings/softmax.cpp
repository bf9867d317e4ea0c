// Softmax and its kin, and running sums and products.
#include "graph/fused/softmax.h"

#include <optional>

#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/reduce/scan.h"
#include "graph/shapes/broadcast.h"

namespace py = pybind11;

namespace gradgate {

void define_softmax(py::module_& m) {
  using AlongDim = Tensor (*)(const Tensor&, int, std::optional<DType>);
  auto set = [&](const char* name, AlongDim f, const char* doc) {
    define(
        m, name,
        [f](const Tensor& x, std::int64_t dim, std::optional<DType> dtype) { return f(x, wrap_dim(dim, x.ndim()), dtype); }, doc,
        py::arg("dim"), py::arg("dtype") = py::none());
  };
  set("softmax", softmax,
      "exp(input) divided by its sum along dim; of input's shape. The largest element is subtracted first, so that nothing overflows. "
      "input "
      "is converted to dtype first.\n\nRaises RuntimeError for integers and bools.");
  set("log_softmax", log_softmax,
      "The logarithm of softmax(input, dim), computed without it, so that nothing underflows. input is converted to dtype first.\n\nRaises "
      "RuntimeError for integers and bools.");
  set("cumsum", cumsum,
      "Running sum along dim; of input's shape. input is converted to dtype first; integers and bools give int64.");
  set("cumprod", cumprod,
      "Running product along dim; of input's shape. input is converted to dtype first; integers and bools give int64.");
  define(
      m, "logsumexp",
      [](const Tensor& x, const DimsArgument& dim, bool keepdim) {
        return logsumexp(x, wrap_dims("logsumexp", dim.value, x.ndim()), keepdim);
      },
      "log(sum(exp(input))) over dim, an int or a tuple of ints, without overflow; the logarithm of no elements is -inf. Integers are "
      "converted to the default floating-point type.",
      py::arg("dim"), py::arg("keepdim") = false);
}

}  // namespace gradgate
