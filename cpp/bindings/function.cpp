// Gates written in Python: what autograd.Function is made of.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/engine/record.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// backward(saved, upstream) in Python returns the downstream gradients, one for each input, None where there is none.
class PythonGate final : public Gate {
 public:
  // `saved` says, for each value that backward wants, where the node keeps it.
  struct Place {
    bool is_input;
    int index;
  };
  PythonGate(const GateKind& kind, py::function forward, py::function backward, int outputs, std::vector<std::optional<Place>> saved)
      : kind_(kind), forward_(std::move(forward)), backward_(std::move(backward)), outputs_(outputs), saved_(std::move(saved)) {}
  const GateKind& kind() const override { return kind_; }
  int outputs() const override { return outputs_; }

  // Python computes and allocates by itself.
  void infer(const Inputs&, Plan&) const override { fail<RuntimeError>(kind_.name(), " is run by Python alone"); }
  void run(const Inputs&, const Outputs&) const override { fail<RuntimeError>(kind_.name(), " is run by Python alone"); }

  void rule(BackwardContext& c) const override {
    py::list saved, upstream;
    for (const std::optional<Place>& p : saved_) saved.append(!p ? Tensor() : p->is_input ? c.input(p->index) : c.output(p->index));
    for (int i = 0; i < outputs(); ++i) upstream.append(c.upstream(i));
    const auto gradients = backward_(saved, upstream).cast<py::tuple>();
    const auto inputs = static_cast<std::size_t>(c.input_count());
    const std::size_t given = without_trailing_none(gradients);
    if (given > inputs || gradients.size() < inputs)
      fail<RuntimeError>(kind_.graph_name(), ": backward returned an incorrect number of gradients (expected ", inputs, ", got ",
                         gradients.size(), ")");
    for (std::size_t i = 0; i < given; ++i) send(c, static_cast<int>(i), gradients[i]);
  }

  // What Python computes has no text.
  Tensors replay(const Tensors& in) const override {
    py::list inputs;
    for (const Tensor& t : in) inputs.append(t.defined() ? py::cast(t) : py::none());
    return forward_(inputs).cast<Tensors>();
  }

 private:
  static std::size_t without_trailing_none(const py::tuple& gradients) {
    std::size_t count = gradients.size();
    while (count > 0 && gradients[count - 1].is_none()) --count;
    return count;
  }

  void send(BackwardContext& c, int input, const py::object& gradient) const {
    if (gradient.is_none() || !c.needs(input)) return;
    if (!is_tensor(gradient.ptr()))
      fail<TypeError>(kind_.graph_name(), ": backward must return Tensors or None, got ", Py_TYPE(gradient.ptr())->tp_name);
    const Tensor dx = unwrap(gradient.ptr());
    const Dims& shape = c.input_shape(input);
    if (!broadcasts_to(shape, dx.shape()))
      fail<RuntimeError>(kind_.graph_name(), ": backward returned a gradient of shape ", dx.shape(), " for input ", input, " of shape ",
                         shape);
    c.downstream(input, cast(sum_to(dx, shape), c.input_dtype(input)));
  }

  GateKind kind_;
  py::function forward_, backward_;
  int outputs_;
  std::vector<std::optional<Place>> saved_;
};

// Where each value that backward wants is kept: among the inputs, the outputs or, behind these, on its own.
std::vector<std::optional<PythonGate::Place>> places_of(const std::vector<std::optional<Tensor>>& saved,
                                                        const std::vector<std::optional<Tensor>>& inputs, const Tensors& outputs) {
  std::vector<std::optional<PythonGate::Place>> places;
  int others = static_cast<int>(outputs.size());
  for (const auto& t : saved) {
    std::optional<PythonGate::Place>& place = places.emplace_back();
    if (!t) continue;
    for (std::size_t i = 0; i < outputs.size() && !place; ++i)
      if (t->same(outputs[i])) place = {false, static_cast<int>(i)};
    for (std::size_t i = 0; i < inputs.size() && !place; ++i)
      if (inputs[i] && t->same(*inputs[i])) place = {true, static_cast<int>(i)};
    if (!place) place = {false, others++};
  }
  return places;
}

// The outputs as results of a gate on the inputs (None for an argument that is no tensor), of which forward(inputs) makes them again. An
// output that is an input, or is returned twice, becomes a tensor of its own; a dirty one, an input that forward changed in place,
// becomes the result itself. Those not differentiable are left off the graph.
std::vector<Tensor> record_function(const std::string& name, const std::string& graph_name, const py::function& forward,
                                    const py::function& backward,
                                    const std::vector<std::optional<Tensor>>& inputs, std::vector<Tensor> outputs,
                                    const std::vector<std::optional<Tensor>>& saved, const std::vector<bool>& differentiable,
                                    const std::vector<bool>& dirty) {
  bool needed = false;
  for (const auto& t : inputs) needed = needed || (t && t->requires_grad());
  if (!needed || !grad_enabled()) return outputs;
  const auto places = places_of(saved, inputs, outputs);
  const auto count = static_cast<int>(outputs.size());
  const Ref<const Gate> gate(new PythonGate(GateKind(name, graph_name), forward, backward, count, places));
  const Ref<Node> node(new Node(gate));
  for (const auto& t : inputs) node->add_input(t ? *t : Tensor(), t ? gradient_node(*t) : Ref<Node>());
  for (const Tensor& y : outputs) node->add_output(y);
  for (std::size_t i = 0; i < saved.size(); ++i)
    if (places[i]) places[i]->is_input ? node->save_input(places[i]->index, *saved[i]) : node->save_output(places[i]->index, *saved[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!differentiable[i] || !is_floating(outputs[i].dtype())) continue;
    if (dirty[i]) {
      check_writable(node->name(), outputs[i]);
      become(outputs[i], record_output(outputs[i].alias(), node, static_cast<std::uint32_t>(i)));
      continue;
    }
    bool taken = !outputs[i].is_leaf();
    for (const auto& t : inputs) taken = taken || (t && t->same(outputs[i]));
    if (taken) outputs[i] = outputs[i].alias();
    outputs[i] = record_output(outputs[i], node, static_cast<std::uint32_t>(i));
    if (gates_watched) tell_watchers(outputs[i]);
  }
  return outputs;
}

}  // namespace

void define_function(py::module_& m) {
  m.def("_record_function", record_function, py::arg("name"), py::arg("graph_name"), py::arg("forward"), py::arg("backward"),
        py::arg("inputs"), py::arg("outputs"), py::arg("saved"), py::arg("differentiable"), py::arg("dirty"));
}

}  // namespace gradgate
