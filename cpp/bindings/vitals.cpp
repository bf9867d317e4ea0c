// The watcher of vital signs, whose methods Python registers as hooks.
#include <memory>

#include "account/vitals.h"
#include "bindings/define.h"
#include "bindings/module.h"
#include "bindings/tensor_type.h"

namespace py = pybind11;

namespace gradgate {
namespace {

py::tuple as_tuple(const Distribution& d) { return py::make_tuple(d.mean, d.deviation, d.size); }

py::tuple as_tuple(const LayerVitals& row) {
  const std::string kind = row.activation ? row.activation->name() : "";
  const py::object gradient = row.gradient ? py::object(as_tuple(*row.gradient)) : py::none();
  return py::make_tuple(row.layer, kind, row.after, row.count, row.units, as_tuple(row.output), py::tuple(py::cast(row.quantiles)),
                        gradient, row.dead, row.saturated, row.is_output);
}

std::vector<Tensor> tensors_among(const py::object& outputs) {
  if (is_tensor(outputs.ptr())) return {outputs.cast<Tensor>()};
  std::vector<Tensor> found;
  if (py::isinstance<py::tuple>(outputs) || py::isinstance<py::list>(outputs))
    for (const py::handle& output : outputs)
      if (is_tensor(output.ptr())) found.push_back(output.cast<Tensor>());
  return found;
}

double gradient_norm(const StepVitals& step) {
  double norm = 0;
  for (const ParameterVitals& p : step.parameters)
    if (p.gradient) norm = std::hypot(norm, *p.gradient);
  return norm;
}

}  // namespace

void define_vitals(py::module_& m) {
  py::class_<StepVitals>(m, "_StepVitals", "What a _VitalsWatcher saw of a step.")
      .def_property_readonly(
          "layers",
          [](const StepVitals& step) {
            py::list rows;
            for (const LayerVitals& row : step.layers) rows.append(as_tuple(row));
            return rows;
          },
          "For each layer (number or -1, activation, number of the layer before, activations since, units, output, quantiles, gradient,\n"
          "dead, saturated, is_output); distributions as (mean, standard deviation, root mean square).")
      .def_property_readonly(
          "parameters",
          [](const StepVitals& step) {
            py::list rows;
            for (const ParameterVitals& p : step.parameters)
              rows.append(p.is_trained ? py::object(py::make_tuple(p.norm, p.gradient, p.update)) : py::none());
            return rows;
          },
          "For each parameter (norm, norm of the gradient, share of the update); None where it is not trained.")
      .def_property_readonly("gradient_norm", gradient_norm, "The norm of all parameters' gradients as one vector.");
  py::class_<VitalsWatcher>(m, "_VitalsWatcher", "Follows steps of a training, each from begin to end.")
      .def(py::init([](double tanh_low, double tanh_high, double sigmoid_low, double sigmoid_high, std::int64_t dead_after,
                       std::int64_t compared) {
             return std::make_unique<VitalsWatcher>(VitalsWatcher::Saturation{tanh_low, tanh_high, sigmoid_low, sigmoid_high},
                                                    dead_after, compared);
           }),
           py::arg("tanh_low"), py::arg("tanh_high"), py::arg("sigmoid_low"), py::arg("sigmoid_high"), py::arg("dead_after"),
           py::arg("compared"))
      .def("begin", &VitalsWatcher::begin, "A step begins, with these parameters.", py::arg("parameters"))
      .def(
          "see_layer",
          [](VitalsWatcher& watcher, int layer, const py::object&, const py::object&, const py::object& output) {
            if (is_tensor(output.ptr())) watcher.see_layer(layer, output.cast<Tensor>());
          },
          "A forward hook, but for the layer's number ahead.", py::arg("layer"), py::arg("module"), py::arg("args"), py::arg("output"))
      .def(
          "end_forward",
          [](VitalsWatcher& watcher, const py::object&, const py::object&, const py::object& output) {
            watcher.end_forward(tensors_among(output));
          },
          "The model's forward hook.", py::arg("module"), py::arg("args"), py::arg("output"))
      .def("end", &VitalsWatcher::end, "Ends the watch of a step's passes.")
      .def("measure_updates", &VitalsWatcher::measure_updates, "Compares parameters, once one has changed; tells whether it did.")
      .def_property_readonly("vitals", [](const VitalsWatcher& watcher) { return watcher.vitals(); }, "A copy of what was seen so far.");
}

}  // namespace gradgate
