// Collects the nodes behind the roots, orders them, and sends gradients down.
#include "graph/backward/sweep.h"

#include <algorithm>

#include "base/host.h"
#include "graph/backward/accumulate.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/phrase.h"
#include "graph/shapes/conversion.h"

namespace gradgate {

namespace {

// Runs the user's hooks on a gradient in the order they were added, then fills retained gradients.
void run_hooks(const Node& node, std::uint32_t output, Tensor& gradient) {
  const Ref<HookList> list(node.hooks());
  if (!list) return;
  // A hook may add or remove hooks; those of this moment are run.
  const std::vector<HookList::Entry> entries = list->entries();
  for (const HookList::Entry& e : entries) {
    if (e.output != output) continue;
    Tensor replaced = e.hook(gradient);
    if (!replaced.defined()) continue;
    if (!(replaced.shape() == gradient.shape()))
      fail<RuntimeError>("register_hook: a hook on the output of ", node.name(), " returned a gradient of shape ", replaced.shape(),
                         " for a tensor of shape ", gradient.shape());
    if (replaced.dtype() != gradient.dtype())
      fail<RuntimeError>("register_hook: a hook on the output of ", node.name(), " returned a gradient of ", replaced.dtype(),
                         " for a tensor of ", gradient.dtype(), "; convert it with .to()");
    gradient = std::move(replaced);
  }
  const std::vector<HookList::Retained> retained = list->retained();
  for (const HookList::Retained& r : retained)
    if (r.output == output) r.record->grad = r.record->grad.defined() ? r.record->grad + gradient : gradient;
}

}  // namespace

// The gates behind the roots and what flows between them. A node's place in a sweep is marked in the node, which makes finding
// it cheap, but is read while the plan is made only: hooks and long kernels let other threads, or a sweep inside this one, pass
// over the same nodes.
class Sweep {
 public:
  explicit Sweep(BackwardOptions options) : options_(options), id_(++last_id) {}

  void add_root(const Tensor& root, Tensor gradient) {
    roots_.push_back({gradient_node(root), output_of(root), std::move(gradient)});
  }
  // Restricts the sweep to what lies between the roots and the captured tensors. The gradient of each is kept in captured(i).
  void capture(const Tensor& input) {
    restricted_ = true;
    captures_.push_back({gradient_node(input), output_of(input), Tensor()});
  }
  Tensor& captured(std::size_t i) { return captures_[i].gradient; }

  void run();

 private:
  class Context;
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};
  struct Visit {
    Ref<Node> node;
    std::uint32_t first_slot = 0;    // of its outputs, in slots_
    std::uint32_t first_target = 0;  // of its inputs, in targets_
    bool needed = true;              // something below wants its gradient
    bool executed = true;            // something below it wants a gradient
  };
  struct Port {
    Ref<Node> node;
    std::uint32_t output;
    Tensor gradient;
    std::uint32_t position = kNowhere;
  };

  bool visited(const Node& node) const { return node.place.sweep == id_; }
  std::uint32_t target(const Visit& v, int input) const { return targets_[v.first_target + static_cast<std::uint32_t>(input)]; }
  Tensor& slot(std::uint32_t position, std::uint32_t output) { return slots_[visits_[position].first_slot + output]; }
  void collect();
  void order();
  void find_targets();
  void find_captures();
  void restrict_to_captures();
  void keep_captured(std::uint32_t position);
  void visit(std::uint32_t position);

  BackwardOptions options_;
  std::uint64_t id_;
  bool restricted_ = false;
  std::vector<Port> roots_, captures_;
  std::vector<Visit> visits_;
  std::vector<Tensor> slots_;
  std::vector<std::uint32_t> targets_;  // for each input of each visit the visit to which its gradient goes, or kNowhere
  std::vector<Port*> captures_in_order_;
  std::size_t next_capture_ = 0;

  static inline std::uint64_t last_id = 0;
};

// One visit of a node: what its gate's rule is handed.
class Sweep::Context final : public BackwardContext {
 public:
  Context(Sweep& sweep, std::uint32_t position) : sweep_(sweep), node_(*sweep.visits_[position].node), position_(position) {}

  const Tensor& upstream(int output) const override { return sweep_.slot(position_, static_cast<std::uint32_t>(output)); }
  Tensor take_upstream(int output) override { return std::move(sweep_.slot(position_, static_cast<std::uint32_t>(output))); }
  bool needs(int input) const override {
    const std::uint32_t target = sweep_.target(sweep_.visits_[position_], input);
    return target != kNowhere && sweep_.visits_[target].needed;
  }
  void downstream(int input, Tensor dx) override {
    const std::uint32_t target = sweep_.target(sweep_.visits_[position_], input);
    if (target == kNowhere || !dx.defined()) return;
    if (sweep_.options_.observer) sweep_.options_.observer->on_downstream(node_, input, dx);
    add_gradient(sweep_.slot(target, node_.input(input).output), std::move(dx), sweep_.options_.create_graph);
  }

  // A trace may look at what was not saved, to say how it was computed: its gates' inputs are leaves and constants.
  Tensor input(int i) const override {
    Tensor saved = node_.saved_input(i);
    return saved.defined() || !tracing() ? saved : node_.input_value(i);
  }
  Tensor output(int i) const override { return node_.saved_output(i); }
  int input_count() const override { return node_.input_count(); }
  const Dims& input_shape(int i) const override { return node_.input_shape(i); }
  DType input_dtype(int i) const override { return node_.input_form(i).dtype; }
  const Dims& output_shape(int i) const override { return node_.output_form(i).shape; }

 private:
  Sweep& sweep_;
  Node& node_;
  std::uint32_t position_;
};

void Sweep::collect() {
  // The graph of a small network fits, where growing from one element would allocate six times.
  constexpr std::size_t kFewNodes = 32;
  std::vector<Node*> stack;
  stack.reserve(kFewNodes);
  visits_.reserve(kFewNodes);
  auto reach = [&](const Ref<Node>& node) {
    if (!node || visited(*node)) return;
    node->place.sweep = id_;
    visits_.push_back({node});
    stack.push_back(node.get());
  };
  for (const Port& root : roots_) reach(root.node);
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    for (int i = 0; i < node->input_count(); ++i) reach(node->input(i).node);
  }
}

void Sweep::order() {
  const auto later = [](const Visit& a, const Visit& b) { return a.node->sequence() > b.node->sequence(); };
  if (!std::is_sorted(visits_.begin(), visits_.end(), later)) std::stable_sort(visits_.begin(), visits_.end(), later);
}

void Sweep::find_targets() {
  std::uint32_t slots = 0, targets = 0;
  for (std::uint32_t i = 0; i < visits_.size(); ++i) {
    Visit& v = visits_[i];
    v.node->place.position = i;
    v.first_slot = slots;
    v.first_target = targets;
    slots += static_cast<std::uint32_t>(v.node->outputs());
    targets += static_cast<std::uint32_t>(v.node->input_count());
  }
  slots_.resize(slots);
  targets_.reserve(targets);
  for (const Visit& v : visits_)
    for (int i = 0; i < v.node->input_count(); ++i) {
      const Ref<Node>& below = v.node->input(i).node;
      targets_.push_back(below ? below->place.position : kNowhere);
    }
  for (Port& root : roots_) root.position = root.node->place.position;
}

void Sweep::find_captures() {
  for (Port& c : captures_) {
    if (!visited(*c.node)) continue;
    c.position = c.node->place.position;
    captures_in_order_.push_back(&c);
  }
  std::ranges::sort(captures_in_order_, {}, &Port::position);
}

void Sweep::restrict_to_captures() {
  for (Visit& v : visits_) v.needed = v.executed = false;
  for (const Port* c : captures_in_order_) visits_[c->position].needed = true;
  for (auto v = visits_.rbegin(); v != visits_.rend(); ++v) {
    for (int i = 0; i < v->node->input_count() && !v->executed; ++i) {
      const std::uint32_t below = target(*v, i);
      v->executed = below != kNowhere && visits_[below].needed;
    }
    v->needed = v->needed || v->executed;
  }
}

void Sweep::keep_captured(std::uint32_t position) {
  for (; next_capture_ < captures_in_order_.size() && captures_in_order_[next_capture_]->position <= position; ++next_capture_) {
    Port& c = *captures_in_order_[next_capture_];
    if (c.position == position) c.gradient = slot(position, c.output);
  }
}

void Sweep::visit(std::uint32_t position) {
  Visit& v = visits_[position];
  if (!v.needed) return;
  const std::uint32_t outputs = static_cast<std::uint32_t>(v.node->outputs());
  bool arrived = false;
  for (std::uint32_t i = 0; i < outputs; ++i) {
    Tensor& gradient = slot(position, i);
    if (!gradient.defined()) continue;
    arrived = true;
    run_hooks(*v.node, i, gradient);
    if (options_.observer) options_.observer->on_upstream(*v.node, static_cast<int>(i), gradient);
  }
  if (!arrived) return;
  keep_captured(position);
  if (v.executed) {
    if (v.node->is_leaf()) {
      accumulate_gradient(v.node->leaf(), std::move(slot(position, 0)), options_.create_graph);
    } else {
      Context context(*this, position);
      const Gate& gate = v.node->gate();
      // A gradient that is itself recorded comes by the rule; else the gate may know a shorter way to the same bits.
      if (options_.create_graph || !gate.run_backward(context)) gate.rule(context);
      if (!options_.retain_graph) v.node->release_saved();
    }
  }
  for (std::uint32_t i = 0; i < outputs; ++i) slot(position, i) = Tensor();
}

void Sweep::run() {
  if (!options_.observer) options_.observer = watchers_of_sweeps();
  WatchPause pause;
  collect();
  order();
  find_targets();
  find_captures();
  if (restricted_) restrict_to_captures();
  for (Port& root : roots_) add_gradient(slot(root.position, root.output), std::move(root.gradient), options_.create_graph);
  GradMode recording(options_.create_graph);
  constexpr std::uint32_t kVisitsBetweenInterruptChecks = 64;
  for (std::uint32_t i = 0; i < visits_.size(); ++i) {
    if (i % kVisitsBetweenInterruptChecks == 0) check_interrupt();
    visit(i);
  }
}

namespace {

Tensor root_gradient(const Tensor& root, const Tensor& gradient) {
  if (!root.defined()) fail<TypeError>("backward: expected tensors to start from, got None");
  if (!root.requires_grad())
    fail<RuntimeError>("backward: the tensor of shape ", root.shape(), " does not require grad and does not have a grad_fn");
  if (!gradient.defined()) {
    if (root.numel() != 1)
      fail<RuntimeError>("backward: grad can be implicitly created only for scalar outputs, and this one has shape ", root.shape(),
                         "; reduce it, e.g. with .sum(), or pass gradient=");
    return ones(root.shape(), root.dtype());
  }
  if (!(gradient.shape() == root.shape()))
    fail<RuntimeError>("backward: the gradient has shape ", gradient.shape(), " and the output has shape ", root.shape(),
                       "; they must be the same");
  return gradient.dtype() == root.dtype() ? gradient : cast(gradient, root.dtype());
}

void add_roots(Sweep& sweep, const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients) {
  if (roots.empty()) fail<RuntimeError>("backward: there is no output to start from");
  for (std::size_t i = 0; i < roots.size(); ++i)
    sweep.add_root(roots[i], root_gradient(roots[i], i < gradients.size() ? gradients[i] : Tensor()));
}

void add_captures(Sweep& sweep, const std::vector<Tensor>& inputs) {
  for (const Tensor& input : inputs) {
    if (!input.defined()) fail<TypeError>("grad: expected tensors to differentiate by, got None");
    if (!input.requires_grad())
      fail<RuntimeError>("grad: one of the differentiated tensors, of shape ", input.shape(), ", does not require grad");
    sweep.capture(input);
  }
}

}  // namespace

void backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients, const std::vector<Tensor>& inputs,
              BackwardOptions options) {
  Sweep sweep(options);
  add_roots(sweep, roots, gradients);
  add_captures(sweep, inputs);
  sweep.run();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (sweep.captured(i).defined()) accumulate_gradient(inputs[i], std::move(sweep.captured(i)), options.create_graph);
}

std::vector<Tensor> gradients_of(const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients,
                                 const std::vector<Tensor>& inputs, BackwardOptions options, bool allow_unused) {
  Sweep sweep(options);
  add_roots(sweep, roots, gradients);
  add_captures(sweep, inputs);
  sweep.run();
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!allow_unused && !sweep.captured(i).defined())
      fail<RuntimeError>("grad: one of the differentiated tensors, of shape ", inputs[i].shape(),
                         ", appears to not have been used in the graph; set allow_unused=True if this is the desired behavior");
    results.push_back(std::move(sweep.captured(i)));
  }
  return results;
}

}  // namespace gradgate
