// The fused gates, which the Python layer calls where they apply.
#include <optional>

#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/fused/loss.h"
#include "graph/fused/normalization.h"

namespace py = pybind11;

namespace gradgate {
namespace {

LossReduction loss_reduction(const std::string& name) {
  if (name == "none") return LossReduction::none;
  if (name == "mean") return LossReduction::mean;
  if (name == "sum") return LossReduction::sum;
  fail<ValueError>("'", name, "' is not a valid value for reduction; use 'none', 'mean' or 'sum'");
}

}  // namespace

void define_fused(py::module_& m) {
  m.def(
      "_cross_entropy",
      [](const Tensor& x, const Tensor& target, const std::optional<Tensor>& weight, std::int64_t ignore_index,
         const std::string& reduction) {
        return cross_entropy(x, target, weight.value_or(Tensor()), loss_reduction(reduction), ignore_index);
      },
      "-weight[t] * log(softmax(input)[t]) for the class indices t in target, in one gate.\n\ninput is (N, C, d1, ...) or (C,), target "
      "holds integers, (N, d1, ...) or (), weight is (C,). Targets equal to ignore_index add nothing; the mean divides by the sum of the "
      "weights of the others.\n\nRaises ValueError where the shapes do not fit, IndexError for a class outside 0 ... C - 1, RuntimeError "
      "for "
      "other types.",
      py::arg("input"), py::arg("target"), py::arg("weight") = py::none(), py::arg("ignore_index") = -100, py::arg("reduction") = "mean");
  m.def(
      "_layer_norm",
      [](const Tensor& x, const DimsArgument& normalized, const std::optional<Tensor>& weight, const std::optional<Tensor>& bias,
         double eps) { return layer_norm(x, normalized.value, weight.value_or(Tensor()), bias.value_or(Tensor()), eps); },
      "(x - mean) / sqrt(var + eps) * weight + bias over the last dimensions normalized_shape, in one gate; var is the mean of the squared "
      "deviations.\n\nRaises RuntimeError where the shapes or types do not fit.",
      py::arg("input"), py::arg("normalized_shape"), py::arg("weight") = py::none(), py::arg("bias") = py::none(), py::arg("eps") = 1e-5);
}

}  // namespace gradgate
