// The upkeep of nodes: inputs, destruction, and the leaves' nodes.
#include "graph/node.h"

#include <vector>

#include "gates/text.h"
#include "graph/accumulate.h"
#include "graph/hooks.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

std::uint64_t last_sequence = 0;
thread_local bool grad_mode = true;

}  // namespace

bool grad_enabled() { return grad_mode; }
void set_grad_enabled(bool enabled) { grad_mode = enabled; }

Node::Node() = default;
Node::~Node() = default;

void Node::add_input(const Tensor& input) {
  Edge& edge = inputs_.add();
  if (input.defined()) edge.node = gradient_node(input);
  if (!edge.node)
    edge.constant = KeptTensor(input);
  else if (input.body()->node)
    edge.output = input.body()->output;
  sequence_ = ++last_sequence;
}

void Node::destroy(Node* node) {
  // What a node alone held waits in this list instead of on the call stack.
  thread_local std::vector<Node*>* waiting = nullptr;
  if (waiting) {
    waiting->push_back(node);
    return;
  }
  std::vector<Node*> list{node};
  waiting = &list;
  while (!list.empty()) {
    Node* last = list.back();
    list.pop_back();
    delete last;
  }
  waiting = nullptr;
}

Text Node::text(const Text*) const { return {}; }
Text Node::local_text(int, const Text*, const Text&) const { return {}; }

const Tensor& Node::input_value(int i) const {
  const Edge& edge = inputs_[i];
  return edge.node ? static_cast<const Accumulate&>(*edge.node).leaf() : edge.constant.get();
}

HookList& Node::make_hooks() {
  if (!hooks_) hooks_ = std::make_unique<HookList>();
  return *hooks_;
}

Accumulate::Accumulate(const Tensor& leaf) : leaf_(leaf) { record_of(leaf).accumulator = this; }

Accumulate::~Accumulate() { leaf_.body()->record->accumulator = nullptr; }

void Accumulate::backward(Flow& flow) { accumulate_gradient(leaf_, flow.take_upstream(), flow.create_graph()); }

HookList* Accumulate::hooks() const { return leaf_.body()->record->hooks.get(); }

HookList& Accumulate::make_hooks() {
  auto& hooks = leaf_.body()->record->hooks;
  if (!hooks) hooks = std::make_unique<HookList>();
  return *hooks;
}

Ref<Node> gradient_node(const Tensor& t) {
  refresh_view(t);
  if (t.body()->node) return t.body()->node;
  if (!t.body()->requires_grad) return {};
  GraphRecord& record = record_of(t);
  return Ref<Node>(record.accumulator ? record.accumulator : new Accumulate(t));
}

}  // namespace gradgate
