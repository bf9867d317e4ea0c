// Replays the graph below a loss, sweeps over the replay, and writes down each gate's formulas.
#include "account/explanation.h"

#include <cstring>
#include <unordered_map>
#include <unordered_set>

#include "base/host.h"
#include "array/copy.h"
#include "graph/engine/creation.h"
#include "graph/engine/order.h"
#include "graph/backward/sweep.h"
#include "graph/engine/phrase.h"
#include "graph/engine/texts.h"
#include "graph/engine/watcher.h"

namespace gradgate {
namespace {

// A leaf of a graph of our own over the same memory. Other types than floating-point ones take part in traces.
Tensor own_leaf(const Tensor& t) {
  Tensor leaf = t.alias();
  leaf.body()->requires_grad = true;
  return leaf;
}

bool same_bits(const Array& a, const Array& b) {
  const Array x = packed(a), y = packed(b);
  return x.dtype() == y.dtype() && x.shape() == y.shape() &&
         std::memcmp(x.bytes(), y.bytes(), static_cast<std::size_t>(x.numel() * item_size(x.dtype()))) == 0;
}

bool is_nan(const Array& t) {
  const double value = *converted(t, DType::float64).data<double>();
  return value != value;
}

void check_root(const Tensor& loss) {
  if (!loss.requires_grad())
    fail<RuntimeError>("explain: the tensor of shape ", loss.shape(),
                       " does not require grad and does not have a grad_fn; compute it from tensors with requires_grad=True");
  if (loss.numel() != 1)
    fail<RuntimeError>("explain: only a loss of one element can be explained, and this tensor has shape ", loss.shape(),
                       "; reduce it, e.g. with .sum()");
}

// The graph of the loss once more, on leaves of its own.
class ReplayedGraph {
 public:
  ReplayedGraph(const Tensor& loss, const ExplainOptions& options) : options_(options) {
    GradMode on(true);
    const Ref<Node> root = gradient_node(loss);
    const std::vector<Ref<Node>> nodes = nodes_below(root);
    for (const Ref<Node>& node : nodes)
      if (node->released())
        fail<RuntimeError>("explain: the graph was already freed (", node->name(), "); call explain() before backward(), or specify "
                           "retain_graph=True in backward()");
    constexpr std::size_t kGatesBetweenInterruptChecks = 64;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (i % kGatesBetweenInterruptChecks == 0) check_interrupt();
      run(*nodes[i]);
    }
    root_ = outputs_[root.get()][output_of(loss)];
    const bool same_kernels = options.fused && !options.dtype;
    if (same_kernels && !same_bits(root_, loss) && !(is_nan(root_) && is_nan(loss)))
      fail<RuntimeError>("explain: computing the loss again from its leaves gives another value; a leaf or a constant was changed in place "
                         "since the forward pass, or a gate is random. Explain the loss before the optimizer's step");
  }

  const Tensor& root() const { return root_; }
  // The gate of the loss's own graph behind a replayed one.
  const Node& original(const Node& replayed) const { return *originals_.at(&replayed); }
  // The user's own tensor behind a leaf or constant of the replay; undefined for one that a gate made.
  Tensor source(const Tensor& value) const {
    const auto found = sources_.find(value.body());
    return found == sources_.end() ? Tensor() : found->second;
  }
  // All outputs of the replayed gates that are known; parts of a gate's parts are not.
  const std::unordered_map<const Node*, Tensors>& known() const { return known_; }

 private:
  Tensor in_type(const Tensor& t) const {
    return options_.dtype && is_floating(t.dtype()) ? Tensor(converted(t, *options_.dtype)) : t.alias();
  }

  Tensor constant(const Tensor& t) {
    if (!t.defined()) return t;
    Tensor& own = constants_[t.body()];
    if (!own.defined()) {
      own = in_type(t);
      sources_[own.body()] = t;
    }
    return own;
  }

  Tensors run_again(const Node& node) {
    if (node.is_leaf()) {
      const Tensor own = own_leaf(in_type(node.leaf()));
      sources_[own.body()] = node.leaf();
      return {own};
    }
    std::vector<Tensor> inputs;
    for (int i = 0; i < node.input_count(); ++i) {
      const Edge& edge = node.input(i);
      inputs.push_back(edge.node ? outputs_[edge.node.get()][edge.output] : constant(edge.constant.get()));
    }
    const Ref<const Gate> gate = options_.dtype ? node.gate().in_type(*options_.dtype) : node.shared_gate();
    if (!options_.fused)
      if (Tensors parts = gate->parts(inputs); !parts.empty()) return parts;
    return gate->replay(inputs);
  }

  void run(const Node& node) {
    const Tensors& outputs = outputs_[&node] = run_again(node);
    for (const Tensor& y : outputs) {
      if (!y.requires_grad()) continue;
      const Ref<Node> maker = gradient_node(y);
      makers_.push_back(maker);
      for (const Ref<Node>& made : nodes_below(maker, seen_)) originals_[made.get()] = &node;
      Tensors& known = known_[maker.get()];
      known.resize(static_cast<std::size_t>(maker->outputs()));
      known[output_of(y)] = y;
    }
  }

  ExplainOptions options_;
  Tensor root_;
  std::unordered_map<const Node*, Tensors> outputs_, known_;
  std::unordered_map<const TensorBody*, Tensor> constants_, sources_;
  std::unordered_map<const Node*, const Node*> originals_;
  std::unordered_set<const Node*> seen_;
  std::vector<Ref<Node>> makers_;  // a leaf does not keep its node
};

// The rules of a gate: its backward, traced on leaves that stand for its inputs and for the upstream gradients.
class Probes {
 public:
  Probes(const Node& node, const Tensors& inputs, const std::vector<Text>& texts) : node_(node), texts_(texts) {
    GradMode on(true);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      forms_.push_back(node.input_form(static_cast<int>(i)));
      probes_.push_back(inputs[i].defined() ? own_leaf(inputs[i]) : inputs[i]);
      if (inputs[i].defined()) name(probes_[i], texts[i]);
    }
  }

  InputTexts input_texts() const { return {texts_.data(), forms_.data(), static_cast<int>(texts_.size())}; }

  Written forward(std::vector<Tensor>& constants) {
    GradMode on(true);
    if (const Text own = node_.gate().text(input_texts()); !own.code.empty()) return {{own.code}, own.needs};
    Tracing trace;
    const Tensors parts = node_.gate().parts(probes_);
    return parts.empty() ? Written() : write_down(parts[0], names_, constants);
  }

  // For each input the downstream gradient; no lines where none flows.
  std::vector<Written> rules(const std::vector<bool>& wanted, std::vector<Tensor>& constants) {
    GradMode on(true);
    const Tensors outputs = node_.gate().replay(probes_);
    std::vector<Tensor> roots, upstream, inputs;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad()) continue;
      const std::string index = i ? std::to_string(i) : "";
      roots.push_back(outputs[i]);
      upstream.push_back(own_leaf(ones(outputs[i].shape(), outputs[i].dtype())));
      name(outputs[i], Text(cat("{y", index, "}"), Binding::atom));
      name(upstream.back(), Text(cat("{dy", index, "}"), Binding::atom));
    }
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (wanted[i]) inputs.push_back(probes_[i]);
    std::vector<Written> rules(wanted.size());
    Tracing trace;
    const std::vector<Tensor> gradients = gradients_of(roots, upstream, inputs, {true, true}, true);
    for (std::size_t i = 0, next = 0; i < wanted.size(); ++i)
      if (wanted[i])
        if (const Tensor& dx = gradients[next++]; dx.defined()) rules[i] = write_down(dx, names_, constants);
    return rules;
  }

 private:
  void name(const Tensor& t, Text text) {
    keep_.push_back(gradient_node(t));
    names_.push_back({keep_.back().get(), output_of(t), std::move(text)});
  }

  const Node& node_;
  const std::vector<Text>& texts_;
  std::vector<Form> forms_;
  Tensors probes_;
  std::vector<Named> names_;
  std::vector<Ref<Node>> keep_;
};

class Explainer : public SweepObserver {
 public:
  Explainer(const Tensor& loss, const ExplainOptions& options) : options_(options), replay_(loss, options) {
    const Ref<Node> root = gradient_node(replay_.root());
    if (root->is_leaf()) value_of({root, 0, {}});
    for (const Ref<Node>& node : nodes_below(root))
      if (!node->is_leaf()) add_gate(*node);
  }

  Explanation run() {
    backward({replay_.root()}, {Tensor()}, {}, {true, false, this});
    if (options_.texts)
      for (std::size_t i = 0; i < nodes_.size(); ++i) write(*nodes_[i], explanation_.gates[i]);
    for (ExplainedValue& value : explanation_.values)
      if (value.tensor.defined()) value.tensor = value.tensor.alias();
    return std::move(explanation_);
  }

  void on_upstream(const Node& node, int output, const Tensor& gradient) override {
    explanation_.values[static_cast<std::size_t>(values_of_.at(&node)[static_cast<std::size_t>(output)])].gradient = gradient;
    if (const auto gate = gate_of_.find(&node); gate != gate_of_.end())
      explanation_.gates[gate->second].upstream[static_cast<std::size_t>(output)] = gradient;
  }
  void on_downstream(const Node& node, int input, const Tensor& gradient) override {
    explanation_.gates[gate_of_.at(&node)].inputs[static_cast<std::size_t>(input)].downstream = gradient;
  }

 private:
  int add_value(const Tensor& t, int gate = -1, int output = 0) {
    explanation_.values.push_back({t, {}, gate < 0 && t.defined() ? replay_.source(t) : Tensor(), gate, output});
    return static_cast<int>(explanation_.values.size()) - 1;
  }

  int value_of(const Edge& edge) {
    if (edge.node) {
      // Leaves come where they are first used.
      std::vector<int>& values = values_of_[edge.node.get()];
      if (edge.node->is_leaf() && values.empty()) values = {add_value(edge.node->leaf())};
      return values[edge.output];
    }
    const Tensor& constant = edge.constant.get();
    if (!constant.defined()) return -1;
    const auto [found, is_new] = constants_.try_emplace(constant.body(), 0);
    if (is_new) found->second = add_value(constant);
    return found->second;
  }

  Tensors inputs_of(const ExplainedGate& gate) const {
    Tensors inputs;
    for (const ExplainedEdge& e : gate.inputs)
      inputs.push_back(e.value < 0 ? Tensor() : explanation_.values[static_cast<std::size_t>(e.value)].tensor.alias());
    return inputs;
  }

  // What stands for the inputs in a gate's formulas: placeholders, but numbers of the code themselves.
  std::vector<Text> input_texts(const Node& node, const Tensors& inputs) const {
    std::vector<Text> texts;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Edge& edge = node.input(static_cast<int>(i));
      const Tensor constant = edge.node ? Tensor() : edge.constant.get();
      const Tensor own = constant.defined() ? replay_.source(constant) : Tensor();
      const bool is_number = own.defined() && own.is_number();
      texts.push_back(is_number ? number_text(inputs[i]) : Text(inputs[i].defined() ? cat("{", i, "}") : "", Binding::atom));
    }
    return texts;
  }

  // A part's outputs are found by running it once more: nobody kept them.
  Tensors outputs_of(const Node& node, const ExplainedGate& gate) const {
    if (const auto known = replay_.known().find(&node); known != replay_.known().end()) return known->second;
    GradMode off(false);
    const Tensors inputs = inputs_of(gate);
    return node.gate().replay(inputs);
  }

  void add_gate(const Node& node) {
    const int index = static_cast<int>(explanation_.gates.size());
    ExplainedGate gate{node.gate().kind().name(), {}, {}, {}, {}, {}, replay_.original(node).sequence(), replay_.original(node).line};
    for (int i = 0; i < node.input_count(); ++i) {
      ExplainedEdge edge;
      edge.value = value_of(node.input(i));
      gate.inputs.push_back(std::move(edge));
    }
    for (const Tensor& y : outputs_of(node, gate))
      gate.outputs.push_back(add_value(y, index, static_cast<int>(gate.outputs.size())));
    gate.upstream.resize(gate.outputs.size());
    values_of_[&node] = gate.outputs;
    gate_of_[&node] = explanation_.gates.size();
    nodes_.push_back(&node);
    explanation_.gates.push_back(std::move(gate));
  }

  void write(const Node& node, ExplainedGate& gate) const {
    const Tensors inputs = inputs_of(gate);
    const std::vector<Text> in = input_texts(node, inputs);
    Probes probes(node, inputs, in);
    gate.text = probes.forward(gate.constants);
    std::vector<bool> wanted;
    for (const ExplainedEdge& e : gate.inputs) wanted.push_back(e.downstream.defined());
    if (gate.text.lines.empty()) return;
    const std::vector<Written> rules = probes.rules(wanted, gate.constants);
    const Tensor y = explanation_.values[static_cast<std::size_t>(gate.outputs[0])].tensor;
    GradMode off(false);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ExplainedEdge& edge = gate.inputs[i];
      edge.rule = rules[i];
      if (!wanted[i]) continue;
      edge.local = node.gate().local(static_cast<int>(i), inputs, y.alias());
      edge.local_text = node.gate().local_text(static_cast<int>(i), probes.input_texts(), Text("{y}", Binding::atom)).code;
    }
  }

  ExplainOptions options_;
  ReplayedGraph replay_;
  Explanation explanation_;
  std::vector<const Node*> nodes_;
  std::unordered_map<const Node*, std::vector<int>> values_of_;
  std::unordered_map<const Node*, std::size_t> gate_of_;
  std::unordered_map<const TensorBody*, int> constants_;
};

}  // namespace

Explanation explain(const Tensor& loss, const ExplainOptions& options) {
  check_root(loss);
  WatchPause pause;
  if (!options.fused || options.dtype) ReplayedGraph(loss, {});  // whose bits tell whether a tensor was changed
  return Explainer(loss, options).run();
}

}  // namespace gradgate
