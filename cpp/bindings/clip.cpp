// Limits on the gradients of parameters.
#include "account/training/clip.h"

#include "bindings/casters.h"
#include "bindings/module.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// A tensor or an iterable of tensors.
std::vector<Tensor> tensors_in(const char* operation, const py::object& given) {
  if (is_tensor(given.ptr())) return {unwrap(given.ptr())};
  std::vector<Tensor> tensors;
  for (py::handle element : given) {
    if (!is_tensor(element.ptr()))
      fail<TypeError>(operation, ": expected a Tensor or an iterable of them, but it holds a ", Py_TYPE(element.ptr())->tp_name);
    tensors.push_back(unwrap(element.ptr()));
  }
  return tensors;
}

std::vector<Tensor> gradients_in(const char* operation, const py::object& given) { return gradients_of(tensors_in(operation, given)); }

}  // namespace

void define_clip(py::module_& m) {
  m.def("_clip_grad_norm",
        [](const py::object& parameters, double max_norm, double norm_type, bool error_if_nonfinite) {
          const std::vector<Tensor> gradients = gradients_in("clip_grad_norm_", parameters);
          Tensor total = total_norm(gradients, norm_type, error_if_nonfinite);
          scale_to_norm(gradients, max_norm, total);
          return total;
        },
        "nn.utils.clip_grad_norm_.", py::arg("parameters"), py::arg("max_norm"), py::arg("norm_type"), py::arg("error_if_nonfinite"));
  m.def("_total_norm",
        [](const py::object& tensors, double norm_type, bool error_if_nonfinite) {
          return total_norm(tensors_in("get_total_norm", tensors), norm_type, error_if_nonfinite);
        },
        "nn.utils.get_total_norm.", py::arg("tensors"), py::arg("norm_type"), py::arg("error_if_nonfinite"));
  m.def("_clip_grads_with_norm",
        [](const py::object& parameters, double max_norm, const Tensor& total) {
          scale_to_norm(gradients_in("clip_grads_with_norm_", parameters), max_norm, total);
        },
        "nn.utils.clip_grads_with_norm_.", py::arg("parameters"), py::arg("max_norm"), py::arg("total_norm"));
  m.def("_clip_grad_value",
        [](const py::object& parameters, double clip_value) { limit_elements(gradients_in("clip_grad_value_", parameters), clip_value); },
        "nn.utils.clip_grad_value_.", py::arg("parameters"), py::arg("clip_value"));
}

}  // namespace gradgate
