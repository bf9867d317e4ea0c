// Gates written in Python: what autograd.Function is made of.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/copy.h"
#include "graph/elementwise.h"
#include "graph/saved_tensor.h"
#include "graph/view_history.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// backward(saved, upstream) in Python returns the downstream gradients, one for each input, None where there is none.
class PythonGate final : public Node {
 public:
  PythonGate(std::string name, py::function forward, py::function backward)
      : name_(std::move(name)), forward_(std::move(forward)), backward_(std::move(backward)) {}
  const char* name() const override { return name_.c_str(); }
  int outputs() const override { return count_; }

  // A saved output is kept apart from its node, which would otherwise hold itself.
  void save(const std::vector<std::optional<Tensor>>& saved, const std::vector<Tensor>& outputs) {
    for (const auto& t : saved) {
      bool is_output = false;
      for (const Tensor& y : outputs) is_output = is_output || (t && t->same(y));
      saved_.push_back(!t ? SavedTensor() : is_output ? SavedTensor::output(*t) : SavedTensor::input(*t));
    }
    count_ = static_cast<int>(outputs.size());
  }
  void add_form(const Tensor* input) { inputs_.push_back(input ? Form{input->shape(), input->dtype()} : Form{}); }

  void backward(Flow& flow) override {
    py::list saved, upstream;
    for (const SavedTensor& t : saved_) saved.append(t.unpack(*this));
    for (int i = 0; i < outputs(); ++i) upstream.append(flow.upstream(i));
    const auto gradients = backward_(saved, upstream).cast<py::tuple>();
    const std::size_t given = without_trailing_none(gradients);
    if (given > inputs_.size() || gradients.size() < inputs_.size())
      fail<RuntimeError>(name_, ": backward returned an incorrect number of gradients (expected ", inputs_.size(), ", got ",
                         gradients.size(), ")");
    for (std::size_t i = 0; i < given; ++i) send(flow, static_cast<int>(i), gradients[i]);
  }

  // What Python computes has no text.
  Tensors forward(const Replay& in) const override {
    py::list inputs;
    for (int i = 0; i < input_count(); ++i) inputs.append(in[i].defined() ? py::cast(in[i]) : py::none());
    return forward_(inputs).cast<Tensors>();
  }

 private:
  void release() override {
    for (SavedTensor& t : saved_) t.reset();
  }

  static std::size_t without_trailing_none(const py::tuple& gradients) {
    std::size_t count = gradients.size();
    while (count > 0 && gradients[count - 1].is_none()) --count;
    return count;
  }

  void send(Flow& flow, int input, const py::object& gradient) {
    if (gradient.is_none() || !flow.needs(input)) return;
    if (!is_tensor(gradient.ptr()))
      fail<TypeError>(name_, ": backward must return Tensors or None, got ", Py_TYPE(gradient.ptr())->tp_name);
    const Tensor dx = unwrap(gradient.ptr());
    const Form& form = inputs_[static_cast<std::size_t>(input)];
    if (!broadcasts_to(form.shape, dx.shape()))
      fail<RuntimeError>(name_, ": backward returned a gradient of shape ", dx.shape(), " for input ", input, " of shape ", form.shape);
    flow.downstream(input, cast(sum_to(dx, form.shape), form.dtype));
  }

  struct Form {
    Dims shape;
    DType dtype = default_dtype();
  };
  std::string name_;
  py::function forward_, backward_;
  std::vector<SavedTensor> saved_;
  std::vector<Form> inputs_;
  int count_ = 0;  // of outputs
};

// The outputs as results of a gate on the inputs (None for an argument that is no tensor), of which forward(inputs) makes them again. An
// output that is an input, or is returned twice, becomes a tensor of its own; a dirty one, an input that forward changed in place,
// becomes the result itself. Those not differentiable are left off the graph.
std::vector<Tensor> record_function(const std::string& name, const py::function& forward, const py::function& backward,
                                    const std::vector<std::optional<Tensor>>& inputs, std::vector<Tensor> outputs,
                                    const std::vector<std::optional<Tensor>>& saved, const std::vector<bool>& differentiable,
                                    const std::vector<bool>& dirty) {
  bool needed = false;
  for (const auto& t : inputs) needed = needed || (t && t->requires_grad());
  if (!needed || !grad_enabled()) return outputs;
  auto* gate = new PythonGate(name, forward, backward);
  const Ref<Node> node(gate);
  for (const auto& t : inputs) {
    gate->add_input(t ? *t : Tensor());
    gate->add_form(t ? &*t : nullptr);
  }
  gate->save(saved, outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!differentiable[i] || !is_floating(outputs[i].dtype())) continue;
    if (dirty[i]) {
      check_writable(gate->name(), outputs[i]);
      become(outputs[i], record_output(outputs[i].alias(), node, static_cast<std::uint32_t>(i)));
      continue;
    }
    bool taken = !outputs[i].is_leaf();
    for (const auto& t : inputs) taken = taken || (t && t->same(outputs[i]));
    if (taken) outputs[i] = outputs[i].alias();
    outputs[i] = record_gate(outputs[i], node, static_cast<std::uint32_t>(i));
  }
  return outputs;
}

}  // namespace

void define_function(py::module_& m) {
  m.def("_record_function", record_function, py::arg("name"), py::arg("forward"), py::arg("backward"), py::arg("inputs"),
        py::arg("outputs"), py::arg("saved"), py::arg("differentiable"), py::arg("dirty"));
}

}  // namespace gradgate
