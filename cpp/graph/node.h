// Node: a gate in the graph, which knows its inputs and how to send gradients to them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/inline_vector.h"
#include "graph/kept_tensor.h"

namespace gradgate {

// Where an input of a gate came from: the node whose output it is, or, when no gradient flows there, the value itself.
// Together with the leaves this keeps every gate's inputs reachable.
struct Edge {
  Ref<Node> node;
  std::uint32_t output = 0;
  KeptTensor constant;
};

class Sweep;

// One visit of a node by a backward sweep: the upstream gradients, and where the downstream ones go.
class Flow {
 public:
  Flow(Sweep& sweep, std::uint32_t position) : sweep_(sweep), position_(position) {}

  // The gradient of the loss by this output of the node; undefined when nothing came back.
  const Tensor& upstream(int output = 0) const;
  // The same, handed over, so that its memory can be used again.
  Tensor take_upstream(int output = 0);
  // Whether anybody wants this input's gradient.
  bool needs(int input) const;
  // Sends dx, of the input's shape and type, to that input.
  void downstream(int input, Tensor dx);
  // Whether the computation of gradients is itself recorded.
  bool create_graph() const;

 private:
  Sweep& sweep_;
  std::uint32_t position_;  // of the visit
};

struct Text;
using Tensors = std::vector<Tensor>;

// The values on which a gate is run again, one for each of its inputs.
struct Replay {
  const Tensor* inputs;
  std::optional<DType> floating = {};  // the floating-point type of the replay, where it is another than the recorded one

  const Tensor& operator[](int i) const { return inputs[i]; }
  DType type(DType recorded) const { return floating && is_floating(recorded) ? *floating : recorded; }
};

class Node {
 public:
  Node();
  virtual ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // The gate's name, `MulBackward` in `grad_fn=<MulBackward>`.
  virtual const char* name() const = 0;
  // Computes the downstream gradients from the upstream ones. Runs with recording on or off as the sweep says.
  virtual void backward(Flow& flow) = 0;
  virtual int outputs() const { return 1; }

  // A gate explains itself by being run again.
  //
  // The outputs for other values of the inputs, recorded.
  virtual Tensors forward(const Replay& in) const = 0;
  // Of a gate that is a composition in the mathematics and one node for speed: the same, out of smaller gates.
  virtual Tensors parts(const Replay&) const { return {}; }
  // The forward pass as a NumPy expression of its inputs' texts, of all outputs when there are several. None: it is written as its parts
  // are or, where there are none, cannot be.
  virtual Text text(const Text* in) const;
  // Of an elementwise gate: dy/dx by this input, of the output's shape, and as text.
  virtual Tensor local(int, const Replay&, const Tensor&) const { return {}; }
  virtual Text local_text(int input, const Text* in, const Text& y) const;

  // An undefined input stands for an argument that is no tensor.
  void add_input(const Tensor& input);
  const Edge& input(int i) const { return inputs_[i]; }
  int input_count() const { return inputs_.size(); }
  // The value of an input that is a leaf or off the graph.
  const Tensor& input_value(int i) const;

  // Drops what the forward pass saved; a second backward will say so.
  void release_saved() {
    release();
    released_ = true;
  }
  bool released() const { return released_; }

  // Nodes are numbered after their inputs, so that this order is a topological order of any graph; leaves have 0.
  std::uint64_t sequence() const { return sequence_; }

  // The hooks on this node's outputs: null when there are none.
  virtual HookList* hooks() const { return hooks_.get(); }
  virtual HookList& make_hooks();

  std::int32_t refs = 0;
  std::uint32_t line = 0;  // where the program made it, as a watcher numbers its lines; 0 for unknown
  // Deletes without recursion, however long the chain behind is.
  static void destroy(Node* node);

 protected:
  virtual void release() {}

 private:
  friend class Sweep;

  InlineVector<Edge, 3> inputs_;
  std::uint64_t sequence_ = 0;
  std::uint64_t sweep_ = 0;     // the sweep that collected the node last,
  std::uint32_t position_ = 0;  // and its place in it
  bool released_ = false;
  std::unique_ptr<HookList> hooks_;
};

// A leaf's node: adds the gradient to the leaf's .grad.
class Accumulate final : public Node {
 public:
  explicit Accumulate(const Tensor& leaf);
  ~Accumulate() override;
  const char* name() const override { return "AccumulateGrad"; }
  void backward(Flow& flow) override;
  Tensors forward(const Replay&) const override { return {leaf_}; }
  HookList* hooks() const override;
  HookList& make_hooks() override;
  const Tensor& leaf() const { return leaf_; }

 private:
  Tensor leaf_;
};

// The node behind a tensor: its gate, its leaf's node, or null when no gradient flows there. A view whose base was changed in
// place gets a new node first.
Ref<Node> gradient_node(const Tensor& t);

// Makes `output` the result of a node.
inline Tensor record_output(Tensor output, Ref<Node> node, std::uint32_t index = 0) {
  output.body()->node = std::move(node);
  output.body()->output = index;
  return output;
}

// Whether somebody watches the gates that are recorded (graph/watcher.h).
inline bool gates_watched = false;
void tell_watchers(const Tensor& output);

// Makes `output` the result of a node that is new.
inline Tensor record_gate(Tensor output, Ref<Node> node, std::uint32_t index = 0) {
  output = record_output(std::move(output), std::move(node), index);
  if (gates_watched) [[unlikely]] tell_watchers(output);
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
template <class... Tensors>
bool records(const Tensors&... inputs) {
  return grad_enabled() && (inputs.requires_grad() || ...);
}

// `output` as the result of a new node N(args...) on these inputs.
template <class N, class... Inputs>
Tensor record(Tensor output, N* node, const Inputs&... inputs) {
  Ref<Node> ref(node);
  (node->add_input(inputs), ...);
  return record_gate(std::move(output), std::move(ref));
}

}  // namespace gradgate
