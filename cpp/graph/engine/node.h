// Node: where a gate was applied; its inputs, what it saved, and its outputs' shapes. Or a leaf, which gradients end in.
#pragma once

#include <cstdint>
#include <memory>

#include "graph/engine/gate.h"
#include "graph/engine/hooks.h"
#include "graph/engine/kept_tensor.h"

namespace gradgate {

// Where an input of a gate came from: the node whose output it is or, when no gradient flows there, the value itself.
// Together with the leaves this keeps every gate's inputs reachable.
struct Edge {
  Ref<Node> node;
  std::uint32_t output = 0;
  KeptTensor constant;
};

// A value that the forward pass keeps for backward, guarded against being changed in between. Constants are kept by their edges.
struct SavedValue {
  std::int32_t index = 0;  // of the input, or of the output counted from -1 down
  std::uint32_t version = 0;
  KeptTensor tensor;
};

class Node final : public Shared {
 public:
  // A gate's node, without inputs and outputs yet.
  explicit Node(Ref<const Gate> gate) : gate_(std::move(gate)) {}
  // A leaf's: its gradient is added to the leaf's .grad.
  explicit Node(const Tensor& leaf);
  ~Node() override;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  bool is_leaf() const { return !gate_; }
  // Of a node that is no leaf's.
  const Gate& gate() const { return *gate_; }
  const Ref<const Gate>& shared_gate() const { return gate_; }
  const Tensor& leaf() const { return leaf_; }
  // As in `grad_fn=<MulBackward>`.
  const char* name() const { return gate_ ? gate_->kind().graph_name() : "AccumulateGrad"; }

  // `source` is null where no gradient flows to the input. An undefined input stands for an argument that is no tensor.
  void add_input(const Tensor& input, Ref<Node> source);
  const Edge& input(int i) const { return inputs_[i]; }
  int input_count() const { return inputs_.size(); }
  Form input_form(int i) const;
  const Dims& input_shape(int i) const;
  // The value of an input that is a leaf or off the graph.
  const Tensor& input_value(int i) const;

  void add_output(const Tensor& output) { outputs_.push_back({output.shape(), output.dtype()}); }
  int outputs() const { return outputs_.size(); }
  const Form& output_form(int i) const { return outputs_[i]; }

  // Keeps an input; an output, without the reference to this node that would make a cycle; or a value behind the outputs, as it is.
  void save_input(int i, const Tensor& input);
  void save_output(int i, const Tensor& output);
  // The value, undefined if none was kept. Throw RuntimeError when the graph was freed or the value was changed in place.
  Tensor saved_input(int i) const;
  Tensor saved_output(int i) const;

  // Drops what the forward pass saved; a second backward will say so.
  void release_saved();
  bool released() const { return released_; }

  // Nodes are numbered after their inputs, so that this order is a topological order of any graph; leaves have 0.
  std::uint64_t sequence() const { return sequence_; }

  // The hooks on this node's outputs: null when there are none. A leaf's outlast its node.
  HookList* hooks() const;
  HookList& make_hooks();

  std::uint32_t line = 0;  // where the program made it, as a watcher numbers its lines; 0 for unknown

  // The place of a node in the plan of the sweep that collected it last.
  struct Place {
    std::uint64_t sweep = 0;
    std::uint32_t position = 0;
  };
  mutable Place place;

 private:
  // Deletes without recursion, however long the chain behind is, and without allocating.
  void dispose() const override;
  const SavedValue* find_saved(std::int32_t index) const;
  const Tensor& checked(const SavedValue& saved) const;

  Ref<const Gate> gate_;
  Tensor leaf_;
  InlineVector<Edge, 3> inputs_;
  InlineVector<SavedValue, 2> saved_;
  InlineVector<Form, 1> outputs_;
  std::uint64_t sequence_ = 0;
  bool released_ = false;
  Ref<HookList> hooks_;
  mutable const Node* next_doomed_ = nullptr;
};

// The node of the gate that made a tensor, null for none; a view's may be stale.
inline Node* node_of(const Tensor& t) { return static_cast<Node*>(t.body()->node.get()); }

// Which output of its node a tensor is: leaves have one.
inline std::uint32_t output_of(const Tensor& t) { return t.body()->node ? t.body()->output : 0; }

// Makes `output` the result of a node.
inline Tensor record_output(Tensor output, Ref<Node> node, std::uint32_t index = 0) {
  output.body()->node = std::move(node);
  output.body()->output = index;
  return output;
}

// Gradient recording in this thread, as no_grad and enable_grad set it.
bool grad_enabled();
void set_grad_enabled(bool enabled);

class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(grad_enabled()) { set_grad_enabled(enabled); }
  ~GradMode() { set_grad_enabled(before_); }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

// Whether a gate on these inputs is to be recorded.
template <class... Inputs>
bool records(const Inputs&... inputs) {
  return grad_enabled() && ((inputs.defined() && inputs.requires_grad()) || ...);
}

}  // namespace gradgate
