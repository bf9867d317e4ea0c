// Watchers of the graph that call Python: one that numbers the lines of gates, one that looks for anomalies besides.
#include <memory>
#include <vector>

#include "account/anomaly.h"
#include "account/distribution.h"
#include "bindings/define.h"
#include "bindings/module.h"
#include "gates/text.h"
#include "graph/engine/watcher.h"

namespace py = pybind11;

namespace gradgate {
namespace {

py::object tensor_or_none(const Tensor& t) { return t.defined() ? py::cast(t) : py::none(); }

py::list operand_list(const Ref<Node>& node) {
  py::list operands;
  for (const Operand& o : operands_of(node)) operands.append(py::make_tuple(tensor_or_none(o.value), tensor_or_none(o.source)));
  return operands;
}

// Whether each element of the output comes from one element of every input, as broadcasting places them.
bool is_elementwise(const Node& node) {
  const int count = node.input_count();
  const std::vector<Text> in(static_cast<std::size_t>(count), Text("x", Binding::atom));
  const std::vector<Form> forms(static_cast<std::size_t>(count));
  return count > 0 && !node.gate().local_text(0, {in.data(), forms.data(), count}, Text("y", Binding::atom)).code.empty();
}

py::dict gate_report(const char* phase, const Ref<Node>& node, const Tensor& value) {
  py::dict d;
  d["phase"] = phase;
  d["value"] = value.alias();
  d["kind"] = node->gate().kind().name();
  d["line"] = node->line;
  d["operands"] = operand_list(node);
  d["elementwise"] = is_elementwise(*node);
  return d;
}

// Numbers the line of every gate.
class LineWatcher : public GraphWatcher {
 public:
  explicit LineWatcher(py::function line) : line_(std::move(line)) {}
  void on_gate(const Tensor& output) override {
    Node* const node = node_of(output);
    if (!node->line) node->line = line_().cast<std::uint32_t>();
  }

 private:
  py::function line_;
};

// Besides, hands the first anomaly to `report`, which raises.
class AnomalyWatcher final : public LineWatcher {
 public:
  AnomalyWatcher(py::function line, py::function report, AnomalyKinds kinds)
      : LineWatcher(std::move(line)), report_(std::move(report)), kinds_(kinds) {}

  void on_gate(const Tensor& output) override {
    LineWatcher::on_gate(output);
    if (!is_anomalous(output, kinds_)) return;
    const Origin origin = origin_of(output, kinds_);
    py::dict d = gate_report(origin.given ? "input" : "forward", origin.gate, origin.value);
    if (origin.given) d["source"] = origin.value;
    report_(d);
  }

  void on_upstream(const Node& node, int output, const Tensor& gradient) override {
    if (!node.is_leaf() && output < node.outputs()) keep_upstream(node, output, gradient);
    if (!is_anomalous(gradient, kinds_)) return;
    // Every gate before sent finite gradients: this is their sum, or was given to backward() or by a hook.
    py::dict d;
    d["phase"] = "upstream";
    d["value"] = gradient.alias();
    d["kind"] = node.is_leaf() ? py::object(py::none()) : py::cast(node.gate().kind().name());
    d["line"] = node.line;
    d["operands"] = py::list();
    d["source"] = node.is_leaf() ? py::cast(node.leaf()) : py::object(py::none());
    report_(d);
  }

  void on_downstream(const Node& node, int input, const Tensor& gradient) override {
    if (!is_anomalous(gradient, kinds_)) return;
    py::dict d = gate_report("backward", Ref<Node>(const_cast<Node*>(&node)), gradient);
    d["input"] = input;
    py::list upstream;
    for (const Tensor& t : upstream_) upstream.append(tensor_or_none(t));
    d["upstream"] = upstream;
    report_(d);
  }

 private:
  void keep_upstream(const Node& node, int output, const Tensor& gradient) {
    if (node.sequence() != sequence_) upstream_.clear();
    sequence_ = node.sequence();
    upstream_.resize(static_cast<std::size_t>(node.outputs()));
    upstream_[static_cast<std::size_t>(output)] = gradient;
  }

  py::function report_;
  AnomalyKinds kinds_;
  Tensors upstream_;  // of the node that the sweep visits
  std::uint64_t sequence_ = 0;
};

}  // namespace

void define_watchers(py::module_& m) {
  py::class_<AnomalyWatcher>(m, "_AnomalyWatcher", "What _watch_anomalies returns.")
      .def("stop", &AnomalyWatcher::stop, "Ends the watch.");
  py::class_<LineWatcher>(m, "_LineWatcher", "What _watch_lines returns.").def("stop", &LineWatcher::stop, "Ends the watch.");
  m.def(
      "_watch_anomalies",
      [](py::function line, py::function report, bool nan, bool infinity) {
        auto watcher = std::make_unique<AnomalyWatcher>(std::move(line), std::move(report), AnomalyKinds{nan, infinity});
        watcher->start();
        return watcher;
      },
      "Looks through every gate and gradient. line() gives the number of the program's current line; report(dict) is told of an anomaly, "
      "and raises.",
      py::arg("line"), py::arg("report"), py::arg("nan"), py::arg("infinity"));
  m.def(
      "_watch_lines",
      [](py::function line) {
        auto watcher = std::make_unique<LineWatcher>(std::move(line));
        watcher->start();
        return watcher;
      },
      "Numbers every gate with the line of the program that line() gives.", py::arg("line"));
  m.def(
      "_distribution",
      [](const Tensor& t) {
        const Distribution d = distribution(t);
        return py::make_tuple(d.mean, d.deviation, d.size, py::tuple(py::cast(quantiles(t))));
      },
      "(mean, standard deviation, root mean square, quantiles at 5, 25, 50, 75 and 95 % of a sample) of the elements.", py::arg("t"));
  m.def("_norm", safe_norm, "The Euclidean norm, also of numbers whose squares under- or overflow.", py::arg("t"));
}

}  // namespace gradgate
