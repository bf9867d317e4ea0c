// Backward of the elementwise gates: downstream = upstream x local, by the kernels when nothing is recorded, by the
// definition read with V = Tensor when the gradient's own graph is wanted.
#include "graph/elementwise_nodes.h"

#include <array>
#include <string>

#include "gates/text.h"
#include "gates/uses.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/elementwise.h"
#include "graph/formula.h"
#include "graph/saved_tensor.h"
#include "graph/view.h"
#include "kernels/dispatch.h"
#include "kernels/strided.h"

namespace gradgate {
namespace {

// "leaky_relu" -> "LeakyReluBackward"
std::string node_name(const char* gate) {
  std::string name;
  bool upper = true;
  for (const char* p = gate; *p; ++p) {
    if (*p == '_') {
      upper = true;
      continue;
    }
    name += upper && *p >= 'a' && *p <= 'z' ? static_cast<char>(*p - 'a' + 'A') : *p;
    upper = false;
  }
  return name + "Backward";
}

template <class G>
const char* node_name_of() {
  static const std::string name = node_name(G::info.name);
  return name.c_str();
}

// The values a gate saved, those it did not being undefined tensors.
template <int inputs>
struct SavedValues {
  std::array<SavedTensor, inputs> input;
  SavedTensor output;

  void save(Saves saves, const std::array<Tensor, inputs>& in, const Tensor& out) {
    if (saves_inputs(saves))
      for (int i = 0; i < inputs; ++i) input[i] = SavedTensor::input(in[i]);
    if (saves_output(saves)) output = SavedTensor::output(out);
  }
  void reset() {
    for (SavedTensor& t : input) t.reset();
    output.reset();
  }
};

// A gate that saves nothing has a constant local gradient.
Tensor times_constant(const Tensor& dy, double local) {
  if (local == 1) return dy;
  if (local == -1) return -dy;
  if (local == 0) return zeros(dy.shape(), dy.dtype());
  return dy * Tensor(local);
}

// A formula of several operations is a gate with parts. One that chooses by a condition is not: no gradient flows through conditions.
bool has_parts(const Text& formula) { return formula.steps > 1 && !formula.chooses; }

// A local gradient as an array of the output's shape.
Tensor local_array(const Tensor& local, const Tensor& y) { return expand(cast(local, y.dtype()), y.shape()); }

template <class G>
class UnaryNode final : public Node {
 public:
  UnaryNode(const Tensor& x, const Tensor& y, const double* scalars) {
    saved_.save(unary_saves<G>(), {x}, y);
    for (int i = 0; i < G::info.scalar_count(); ++i) scalars_[i] = scalars[i];
  }
  const char* name() const override { return node_name_of<G>(); }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    if constexpr (unary_saves<G>() == Saves::nothing) {
      flow.downstream(0, times_constant(dy, unary_local<G>(0.0, 0.0, scalars_)));
    } else {
      const Tensor x = saved_.input[0].unpack(*this), y = saved_.output.unpack(*this);
      if (flow.create_graph()) {
        FormulaType type(dy.dtype());
        flow.downstream(0, dy * unary_local<G>(x, y, scalars_));
      } else {
        flow.downstream(0, run(dy, x, y));
      }
    }
  }

  Tensors forward(const Replay& in) const override { return {apply_unary(UnaryGates::index<G>(), in[0], scalars_)}; }
  Tensors parts(const Replay& in) const override {
    FormulaType type(in[0].dtype());
    return has_parts(text(std::array{Text("x", Binding::atom)}.data())) ? Tensors{unary_forward<G>(in[0], scalars_)} : Tensors{};
  }
  Text text(const Text* in) const override { return unary_forward<G>(in[0], scalars_); }
  Tensor local(int, const Replay& in, const Tensor& y) const override {
    FormulaType type(y.dtype());
    return local_array(unary_local<G>(in[0], y, scalars_), y);
  }
  Text local_text(int, const Text* in, const Text& y) const override { return unary_local<G>(in[0], y, scalars_); }

 private:
  void release() override { saved_.reset(); }

  Tensor run(const Tensor& dy, const Tensor& x, const Tensor& y) const {
    const Tensor& saved = x.defined() ? x : y;
    Tensor dx = empty_like(saved);
    visit_floating(G::info.name, dx.dtype(), [&]<class T>() {
      const auto kernel = kernels().of<T>().elementwise.unary_backward[UnaryGates::index<G>()];
      const Dims& shape = dx.shape();
      const Strided<T> out{dx.data<T>(), dx.strides()};
      if constexpr (unary_saves<G>() == Saves::both)
        elementwise<T, T, T, T>(
            shape, [&](std::int64_t n, T* o, const T* d, const T* a, const T* b) { kernel(n, d, a, b, o, scalars_); }, out,
            operand<const T>(dy, shape), operand<const T>(x, shape), operand<const T>(y, shape));
      else
        elementwise<T, T, T>(
            shape, [&](std::int64_t n, T* o, const T* d, const T* a) { kernel(n, d, a, a, o, scalars_); }, out,
            operand<const T>(dy, shape), operand<const T>(saved, shape));
    });
    return dx;
  }

  SavedValues<1> saved_;
  double scalars_[kMaxGateScalars] = {};
};

// Keeps only what the gradients that somebody wants are computed from, so that the rest may be changed in place.
template <class G>
class BinaryNode final : public Node {
 public:
  BinaryNode(const Tensor& a, const Tensor& b, const Tensor& y) : shapes_{a.shape(), b.shape()} {
    unsigned needed = 0;
    if (a.requires_grad()) needed |= binary_needs<G>(0);
    if (b.requires_grad()) needed |= binary_needs<G>(1);
    if (needed & kFirstInput) a_ = SavedTensor::input(a);
    if (needed & kSecondInput) b_ = SavedTensor::input(b);
    if (needed & kOutput) y_ = SavedTensor::output(y);
  }
  const char* name() const override { return node_name_of<G>(); }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    if constexpr ((binary_needs<G>(0) | binary_needs<G>(1)) == 0) {
      send(flow, 0, [&] { return times_constant(dy, G::local_a(0.0, 0.0, 0.0)); });
      send(flow, 1, [&] { return times_constant(dy, G::local_b(0.0, 0.0, 0.0)); });
    } else {
      const Tensor a = a_.unpack(*this), b = b_.unpack(*this), y = y_.unpack(*this);
      if (flow.create_graph()) {
        FormulaType type(dy.dtype());
        send(flow, 0, [&] { return dy * G::local_a(a, b, y); });
        send(flow, 1, [&] { return dy * G::local_b(a, b, y); });
      } else {
        send(flow, 0, [&] { return run(0, dy, a, b, y); });
        send(flow, 1, [&] { return run(1, dy, a, b, y); });
      }
    }
  }

  Tensors forward(const Replay& in) const override { return {apply_binary(BinaryGates::index<G>(), in[0], in[1])}; }
  Text text(const Text* in) const override { return G::forward(in[0], in[1]); }
  Tensor local(int input, const Replay& in, const Tensor& y) const override {
    FormulaType type(y.dtype());
    return local_array(input == 0 ? G::local_a(in[0], in[1], y) : G::local_b(in[0], in[1], y), y);
  }
  Text local_text(int input, const Text* in, const Text& y) const override {
    return input == 0 ? G::local_a(in[0], in[1], y) : G::local_b(in[0], in[1], y);
  }

 private:
  void release() override {
    a_.reset();
    b_.reset();
    y_.reset();
  }

  template <class Gradient>
  void send(Flow& flow, int input, Gradient gradient) const {
    if (flow.needs(input)) flow.downstream(input, sum_to(gradient(), shapes_[static_cast<std::size_t>(input)]));
  }

  // The kernel does not look at a value that was not saved; the upstream gradient takes its place.
  static Tensor run(int input, const Tensor& dy, const Tensor& a, const Tensor& b, const Tensor& y) {
    Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
    visit_floating(G::info.name, dx.dtype(), [&]<class T>() {
      const auto kernel = kernels().of<T>().elementwise.binary_backward[BinaryGates::index<G>()][input];
      const Dims& shape = dx.shape();
      const auto saved = [&](const Tensor& t) { return operand<const T>(t.defined() ? t : dy, shape); };
      elementwise<T, T, T, T, T>(
          shape, [&](std::int64_t n, T* o, const T* d, const T* u, const T* v, const T* w) { kernel(n, d, u, v, w, o); },
          {dx.data<T>(), dx.strides()}, operand<const T>(dy, shape), saved(a), saved(b), saved(y));
    });
    return dx;
  }

  SavedTensor a_, b_, y_;
  std::array<Dims, 2> shapes_;
};

// Ternary gates are rare: their gradients are always computed by the definition read with V = Tensor.
template <class G>
class TernaryNode final : public Node {
 public:
  TernaryNode(const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& y) { saved_.save(ternary_saves<G>(), {a, b, c}, y); }
  const char* name() const override { return node_name_of<G>(); }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    FormulaType type(dy.dtype());
    const Tensor a = saved_.input[0].unpack(*this), b = saved_.input[1].unpack(*this), c = saved_.input[2].unpack(*this);
    const Tensor y = saved_.output.unpack(*this);
    if (flow.needs(0)) flow.downstream(0, sum_to(dy * G::local_a(a, b, c, y), a.shape()));
    if (flow.needs(1)) flow.downstream(1, sum_to(dy * G::local_b(a, b, c, y), b.shape()));
    if (flow.needs(2)) flow.downstream(2, sum_to(dy * G::local_c(a, b, c, y), c.shape()));
  }

  Tensors forward(const Replay& in) const override { return {apply_ternary(TernaryGates::index<G>(), in[0], in[1], in[2])}; }
  Tensors parts(const Replay& in) const override {
    FormulaType type(in[0].dtype());
    const Text x("x", Binding::atom);
    return has_parts(G::forward(x, x, x)) ? Tensors{G::forward(in[0], in[1], in[2])} : Tensors{};
  }
  Text text(const Text* in) const override { return G::forward(in[0], in[1], in[2]); }
  Tensor local(int input, const Replay& in, const Tensor& y) const override {
    FormulaType type(y.dtype());
    return local_array(local_by(input, in[0], in[1], in[2], y), y);
  }
  Text local_text(int input, const Text* in, const Text& y) const override { return local_by(input, in[0], in[1], in[2], y); }

 private:
  void release() override { saved_.reset(); }
  template <class V>
  static V local_by(int input, const V& a, const V& b, const V& c, const V& y) {
    return input == 0 ? G::local_a(a, b, c, y) : input == 1 ? G::local_b(a, b, c, y) : G::local_c(a, b, c, y);
  }
  SavedValues<3> saved_;
};

template <class G>
Tensor record_unary(Tensor output, const Tensor& x, const double* scalars) {
  auto* node = new UnaryNode<G>(x, output, scalars);
  return record(std::move(output), node, x);
}
template <class G>
Tensor record_binary(Tensor output, const Tensor& a, const Tensor& b) {
  auto* node = new BinaryNode<G>(a, b, output);
  return record(std::move(output), node, a, b);
}
template <class G>
Tensor record_ternary(Tensor output, const Tensor& a, const Tensor& b, const Tensor& c) {
  auto* node = new TernaryNode<G>(a, b, c, output);
  return record(std::move(output), node, a, b, c);
}

template <class... G>
constexpr std::array<UnaryGate, sizeof...(G)> unary_entries(GateList<G...>) {
  return {UnaryGate{&G::info, record_unary<G>}...};
}
template <class... G>
constexpr std::array<BinaryGate, sizeof...(G)> binary_entries(GateList<G...>) {
  return {BinaryGate{&G::info, record_binary<G>}...};
}
template <class... G>
constexpr std::array<TernaryGate, sizeof...(G)> ternary_entries(GateList<G...>) {
  return {TernaryGate{&G::info, record_ternary<G>}...};
}

constexpr auto kUnary = unary_entries(UnaryGates{});
constexpr auto kBinary = binary_entries(BinaryGates{});
constexpr auto kTernary = ternary_entries(TernaryGates{});

}  // namespace

const UnaryGate& unary_gate(int index) { return kUnary[static_cast<std::size_t>(index)]; }
const BinaryGate& binary_gate(int index) { return kBinary[static_cast<std::size_t>(index)]; }
const TernaryGate& ternary_gate(int index) { return kTernary[static_cast<std::size_t>(index)]; }

}  // namespace gradgate
