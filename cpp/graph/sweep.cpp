// Collects the nodes behind the roots, orders them, and sends gradients down.
#include "graph/sweep.h"

#include <algorithm>
#include <unordered_map>

#include "base/host.h"
#include "graph/accumulate.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/hooks.h"

namespace gradgate {

// A node's place in a sweep is kept in the node, which is what makes finding it cheap. A sweep inside another's hook may pass
// over the same nodes, so each puts back what it found.
class Sweep {
 public:
  explicit Sweep(BackwardOptions options) : options_(options), id_(++last_id) {}
  ~Sweep() {
    for (Visit& v : visits_) {
      v.node->sweep_ = v.previous_sweep;
      v.node->position_ = v.previous_position;
    }
  }

  void add_root(const Tensor& root, Tensor gradient) {
    roots_.push_back({gradient_node(root), root.body()->node ? root.body()->output : 0, std::move(gradient)});
  }
  // Restricts the sweep to what lies between the roots and the captured tensors. The gradient of each is kept in captured(i).
  void capture(const Tensor& input) {
    restricted_ = true;
    captures_.push_back({gradient_node(input), input.body()->node ? input.body()->output : 0, Tensor()});
  }
  Tensor& captured(std::size_t i) { return captures_[i].gradient; }

  void run();

 private:
  friend class Flow;
  struct Visit {
    Ref<Node> node;
    std::uint64_t previous_sweep;
    std::uint32_t previous_position;
    std::uint32_t first_slot = 0;
    bool needed = true;      // something below wants its gradient
    bool executed = true;    // something below it wants a gradient
  };
  struct Port {
    Ref<Node> node;
    std::uint32_t output;
    Tensor gradient;
  };

  bool visited(const Node& node) const { return node.sweep_ == id_; }
  Visit& visit_of(const Node& node) { return visits_[node.position_]; }
  Tensor& slot(const Node& node, std::uint32_t output) { return slots_[visit_of(node).first_slot + output]; }
  void enter(const Ref<Node>& node);
  void collect();
  void order();
  void restrict_to_captures();
  void visit(Visit& v);

  BackwardOptions options_;
  std::uint64_t id_;
  bool restricted_ = false;
  std::vector<Port> roots_, captures_;
  std::vector<Visit> visits_;
  std::vector<Tensor> slots_;

  static inline std::uint64_t last_id = 0;
};

const Tensor& Flow::upstream(int output) const { return sweep_.slot(node_, static_cast<std::uint32_t>(output)); }
Tensor Flow::take_upstream(int output) { return std::move(sweep_.slot(node_, static_cast<std::uint32_t>(output))); }
bool Flow::create_graph() const { return sweep_.options_.create_graph; }

bool Flow::needs(int input) const {
  const Edge& edge = node_.input(input);
  return edge.node && sweep_.visit_of(*edge.node).needed;
}

void Flow::downstream(int input, Tensor dx) {
  const Edge& edge = node_.input(input);
  if (edge.node && dx.defined()) add_gradient(sweep_.slot(*edge.node, edge.output), std::move(dx), create_graph());
}

void Sweep::enter(const Ref<Node>& node) {
  visits_.push_back({node, node->sweep_, node->position_});
  node->sweep_ = id_;
  node->position_ = static_cast<std::uint32_t>(visits_.size() - 1);
}

void Sweep::collect() {
  std::vector<Node*> stack;
  auto reach = [&](const Ref<Node>& node) {
    if (!node || visited(*node)) return;
    enter(node);
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
  std::uint32_t slots = 0;
  for (std::uint32_t i = 0; i < visits_.size(); ++i) {
    visits_[i].node->position_ = i;
    visits_[i].first_slot = slots;
    slots += static_cast<std::uint32_t>(visits_[i].node->outputs());
  }
  slots_.resize(slots);
}

void Sweep::restrict_to_captures() {
  for (Visit& v : visits_) v.needed = v.executed = false;
  for (const Port& c : captures_)
    if (visited(*c.node)) visit_of(*c.node).needed = true;
  for (auto v = visits_.rbegin(); v != visits_.rend(); ++v) {
    for (int i = 0; i < v->node->input_count() && !v->executed; ++i) {
      const Edge& edge = v->node->input(i);
      v->executed = edge.node && visit_of(*edge.node).needed;
    }
    v->needed = v->needed || v->executed;
  }
}

void Sweep::visit(Visit& v) {
  if (!v.needed) return;
  const std::uint32_t outputs = static_cast<std::uint32_t>(v.node->outputs());
  bool arrived = false;
  for (std::uint32_t i = 0; i < outputs; ++i) {
    Tensor& gradient = slots_[v.first_slot + i];
    if (!gradient.defined()) continue;
    arrived = true;
    if (HookList* hooks = v.node->hooks()) hooks->run(v.node->name(), i, gradient);
  }
  if (!arrived) return;
  if (restricted_)
    for (Port& c : captures_)
      if (c.node == v.node) c.gradient = slots_[v.first_slot + c.output];
  if (v.executed) {
    Flow flow(*this, *v.node);
    v.node->backward(flow);
    if (!options_.retain_graph) v.node->release_saved();
  }
  for (std::uint32_t i = 0; i < outputs; ++i) slots_[v.first_slot + i] = Tensor();
}

void Sweep::run() {
  collect();
  order();
  if (restricted_) restrict_to_captures();
  for (Port& root : roots_) add_gradient(slot(*root.node, root.output), std::move(root.gradient), options_.create_graph);
  GradMode recording(options_.create_graph);
  constexpr std::size_t kVisitsBetweenInterruptChecks = 64;
  for (std::size_t i = 0; i < visits_.size(); ++i) {
    if (i % kVisitsBetweenInterruptChecks == 0) check_interrupt();
    visit(visits_[i]);
  }
}

namespace {

Tensor root_gradient(const Tensor& root, const Tensor& gradient) {
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
