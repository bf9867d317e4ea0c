// Gate: what is computed, apart from where that happened.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/inline_vector.h"
#include "graph/engine/tensor.h"

namespace gradgate {

struct Text;
using Tensors = std::vector<Tensor>;

// The name of an operation, of which the graph's name is printed: "leaky_relu", LeakyReluBackward.
class GateKind {
 public:
  explicit GateKind(std::string_view name);
  // Under a name of the user's own.
  GateKind(std::string name, std::string graph_name) : name_(std::move(name)), graph_name_(std::move(graph_name)) {}

  const char* name() const { return name_.c_str(); }
  const char* graph_name() const { return graph_name_.c_str(); }

  friend bool operator==(const GateKind& a, const GateKind& b) { return &a == &b || a.name_ == b.name_; }

 private:
  std::string name_, graph_name_;
};

// The operands of a run. An undefined tensor stands for an argument that was left out.
struct Inputs {
  const Tensor* tensors;
  int count;

  bool has(int i) const { return i < count && tensors[i].defined(); }
  const Array& operator[](int i) const { return tensors[i]; }
};

// The shape and type of an input or an output.
struct Form {
  Dims shape;
  DType dtype = DType::float32;
};

// What an output will be like: memory of its own, row-major unless it has strides, or a view of an input.
struct Planned : Form {
  Dims strides = {};
  int view_of = -1;
  std::int64_t offset = 0;  // of a view, in elements
};
using Plan = InlineVector<Planned, 2>;

// Where a run writes.
struct Outputs {
  const Tensor* tensors;
  const Array& operator[](int i) const { return tensors[i]; }
};

// Inputs and outputs, as bits; those beyond the first 32 of a gate are never saved.
struct Saved {
  unsigned inputs = 0, outputs = 0;
};

// What a gate's rule is handed: the upstream gradients, what was saved, and the way to the inputs.
class BackwardContext {
 public:
  // The gradient of the loss by this output of the gate; undefined when nothing came back.
  virtual const Tensor& upstream(int output = 0) const = 0;
  // The same, handed over, so that its memory can be used again.
  virtual Tensor take_upstream(int output = 0) = 0;
  // True if this input needs a gradient.
  virtual bool needs(int input) const = 0;
  // Sends dx, of the input's shape and type, to that input.
  virtual void downstream(int input, Tensor dx) = 0;

  // Saved values; undefined for an argument that was left out. Throw RuntimeError when the graph was freed or the value was changed in
  // place.
  virtual Tensor input(int i) const = 0;
  virtual Tensor output(int i = 0) const = 0;

  virtual int input_count() const = 0;
  virtual const Dims& input_shape(int i) const = 0;
  virtual DType input_dtype(int i) const = 0;
  virtual const Dims& output_shape(int i = 0) const = 0;

 protected:
  ~BackwardContext() = default;
};

// The inputs of a gate as a listing writes them.
struct InputTexts {
  const Text* texts;
  const Form* forms;
  int count;

  const Text& operator[](int i) const;
  const Dims& shape(int i = 0) const { return forms[i].shape; }
  int ndim(int i = 0) const { return forms[i].shape.size(); }
};

// Immutable: the kind of an operation and its arguments, never tensors of one run. Many nodes may share a gate.
class Gate : public Shared {
 public:
  virtual const GateKind& kind() const = 0;
  // The outputs that have a place in the graph. What `infer` plans beyond them is returned or kept for backward, off the graph.
  virtual int outputs() const { return 1; }

  // Plans the outputs. The checks of shapes and types, and their error messages, belong here.
  virtual void infer(const Inputs& in, Plan& plan) const = 0;
  // Computes the outputs that are no views, off the graph.
  virtual void run(const Inputs& in, const Outputs& out) const = 0;

  // What backward reads when these inputs (as bits) want a gradient.
  virtual Saved saves(unsigned) const { return {}; }
  // Sends the downstream gradients, computed with Tensor operations: they can be recorded, differentiated and explained.
  virtual void rule(BackwardContext& context) const = 0;
  // The same bits in fewer passes, off the graph. False where there is no other way than the rule.
  virtual bool run_backward(BackwardContext&) const { return false; }

  // The outputs for other inputs, recorded.
  virtual Tensors replay(const Tensors& inputs) const;
  // The gate that does the same in another floating-point type, where its arguments name one.
  virtual Ref<const Gate> in_type(DType) const { return Ref<const Gate>(this); }

  // Of a gate that is a composition in the mathematics and one gate for speed: the outputs out of smaller gates.
  virtual Tensors parts(const Tensors&) const { return {}; }
  // The forward pass as a NumPy expression, of all outputs when there are several. None: it is written as its parts are or, where there
  // are none, cannot be.
  virtual Text text(const InputTexts& in) const;
  // Of an elementwise gate: dy/dx by this input, of the output's shape, and as text.
  virtual Tensor local(int, const Tensors&, const Tensor&) const { return {}; }
  virtual Text local_text(int input, const InputTexts& in, const Text& y) const;
};

}  // namespace gradgate
