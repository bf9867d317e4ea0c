// The upkeep of nodes: inputs, saved values, destruction.
#include "graph/engine/node.h"

namespace gradgate {
namespace {

std::uint64_t last_sequence = 0;
thread_local bool grad_mode = true;

}  // namespace

bool grad_enabled() { return grad_mode; }
void set_grad_enabled(bool enabled) { grad_mode = enabled; }

Node::Node(const Tensor& leaf) : leaf_(leaf) {
  add_output(leaf);
  record_of(leaf).accumulator = this;
}

Node::~Node() {
  if (is_leaf() && leaf_.body()->record->accumulator == this) leaf_.body()->record->accumulator = nullptr;
}

void Node::dispose() const {
  // What a node alone held waits in a list instead of on the call stack.
  thread_local const Node* waiting = nullptr;
  thread_local bool deleting = false;
  next_doomed_ = waiting;
  waiting = this;
  if (deleting) return;
  deleting = true;
  while (waiting) {
    const Node* last = waiting;
    waiting = last->next_doomed_;
    delete last;
  }
  deleting = false;
}

void Node::add_input(const Tensor& input, Ref<Node> source) {
  Edge& edge = inputs_.add();
  if (source) {
    edge.output = output_of(input);
    edge.node = std::move(source);
  } else {
    edge.constant = KeptTensor(input);
  }
  sequence_ = ++last_sequence;
}

Form Node::input_form(int i) const {
  const Edge& edge = inputs_[i];
  if (edge.node) return edge.node->output_form(static_cast<int>(edge.output));
  const Tensor& constant = edge.constant.get();
  return constant.defined() ? Form{constant.shape(), constant.dtype()} : Form{};
}

const Dims& Node::input_shape(int i) const {
  static const Dims none{};
  const Edge& edge = inputs_[i];
  if (edge.node) return edge.node->output_form(static_cast<int>(edge.output)).shape;
  return edge.constant.get().defined() ? edge.constant.get().shape() : none;
}

const Tensor& Node::input_value(int i) const {
  const Edge& edge = inputs_[i];
  return edge.node ? edge.node->leaf() : edge.constant.get();
}

void Node::save_input(int i, const Tensor& input) {
  if (!input.defined()) return;
  SavedValue& saved = saved_.add();
  saved.index = i;
  saved.version = input.version();
  if (inputs_[i].node) saved.tensor = KeptTensor(input);
}

void Node::save_output(int i, const Tensor& output) {
  SavedValue& saved = saved_.add();
  saved.index = -1 - i;
  saved.version = output.version();
  saved.tensor = KeptTensor(i < outputs() ? output.alias() : output);
}

const SavedValue* Node::find_saved(std::int32_t index) const {
  if (released_)
    fail<RuntimeError>(name(), ": trying to backward through the graph a second time, but its saved values were already freed; "
                       "specify retain_graph=True in the first backward()");
  for (const SavedValue& saved : saved_)
    if (saved.index == index) return &saved;
  return nullptr;
}

const Tensor& Node::checked(const SavedValue& saved) const {
  const Tensor& kept = saved.tensor.get();
  const Tensor& t = kept.defined() ? kept : inputs_[saved.index].constant.get();
  if (t.version() != saved.version)
    fail<RuntimeError>(name(), ": one of the variables needed for gradient computation has been modified by an inplace operation: ",
                       saved.index < 0 ? "the gate's output" : "an input of the gate", ", ", t.dtype(), " of shape ", t.shape(),
                       ", is at version ", t.version(), "; expected version ", saved.version,
                       ". Use the operation that is not in place, or change a clone()");
  return t;
}

Tensor Node::saved_input(int i) const {
  const SavedValue* saved = find_saved(i);
  return saved ? checked(*saved) : Tensor();
}

Tensor Node::saved_output(int i) const {
  const SavedValue* saved = find_saved(-1 - i);
  if (!saved) return {};
  const Tensor& y = checked(*saved);
  if (i >= outputs() || !grad_enabled()) return y;
  return record_output(y.alias(), Ref<Node>(const_cast<Node*>(this)), static_cast<std::uint32_t>(i));
}

void Node::release_saved() {
  if (is_leaf()) return;
  saved_.clear();
  released_ = true;
}

HookList* Node::hooks() const {
  return is_leaf() ? static_cast<HookList*>(leaf_.body()->record->hooks.get()) : hooks_.get();
}

HookList& Node::make_hooks() {
  if (!is_leaf()) {
    if (!hooks_) hooks_ = Ref<HookList>(new HookList);
    return *hooks_;
  }
  Ref<Shared>& hooks = leaf_.body()->record->hooks;
  if (!hooks) hooks = Ref<Shared>(new HookList);
  return static_cast<HookList&>(*hooks);
}

}  // namespace gradgate
