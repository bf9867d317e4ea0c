// The gate of two inputs, for each definition.
#pragma once

#include "gates/binary.h"
#include "graph/elementwise/unary.h"

namespace gradgate {

template <class G>
class BinaryGate final : public Gate {
 public:
  const GateKind& kind() const override {
    static const GateKind kind(G::info.name);
    return kind;
  }
  // In the operands' memory order when they share one, else row-major.
  void infer(const Inputs& in, Plan& plan) const override {
    const Array &a = in[0], &b = in[1], &larger = b.ndim() > a.ndim() ? b : a, &other = b.ndim() > a.ndim() ? a : b;
    Planned& y = plan.add();
    y.shape = broadcast_shapes(G::info.name, a.shape(), b.shape());
    y.dtype = a.dtype();
    const bool same_order = larger.shape() == y.shape && !larger.is_contiguous() &&
                            (other.ndim() == 0 || (other.shape() == y.shape && other.strides() == larger.strides()));
    if (same_order && is_dense(larger)) y.strides = larger.strides();
  }
  void run(const Inputs& in, const Outputs& out) const override { run_binary(BinaryGates::index<G>(), out[0], in[0], in[1]); }

  // Only what the wanted gradients are computed from, so that the rest may be changed in place.
  Saved saves(unsigned wanted) const override {
    const unsigned needed = (wanted & 1 ? binary_needs<G>(0) : 0) | (wanted & 2 ? binary_needs<G>(1) : 0);
    return {needed & (kFirstInput | kSecondInput), (needed & kOutput) != 0};
  }
  void rule(BackwardContext& c) const override {
    const Tensor& dy = c.upstream();
    FormulaType type(dy.dtype());
    if constexpr (kSavesNothing) {
      if (c.needs(0)) c.downstream(0, sum_to(times_constant(dy, G::local_a(0.0, 0.0, 0.0)), c.input_shape(0)));
      if (c.needs(1)) c.downstream(1, sum_to(times_constant(dy, G::local_b(0.0, 0.0, 0.0)), c.input_shape(1)));
    } else {
      const Tensor a = c.input(0), b = c.input(1), y = c.output();
      if (c.needs(0)) c.downstream(0, sum_to(dy * G::local_a(a, b, y), c.input_shape(0)));
      if (c.needs(1)) c.downstream(1, sum_to(dy * G::local_b(a, b, y), c.input_shape(1)));
    }
  }
  bool run_backward(BackwardContext& c) const override {
    if constexpr (kSavesNothing) return false;
    const Tensor& dy = c.upstream();
    const Tensor a = c.input(0), b = c.input(1), y = c.output();
    const auto saved = [](const Tensor& t) { return t.defined() ? &t.array() : nullptr; };
    for (int input = 0; input < 2; ++input) {
      if (!c.needs(input)) continue;
      Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
      run_binary_backward(BinaryGates::index<G>(), input, dx, dy, saved(a), saved(b), saved(y));
      c.downstream(input, sum_to(dx, c.input_shape(input)));
    }
    return true;
  }

  Text text(const InputTexts& in) const override { return G::forward(in[0], in[1]); }
  Tensor local(int input, const Tensors& in, const Tensor& y) const override {
    FormulaType type(y.dtype());
    return local_array(input == 0 ? G::local_a(in[0], in[1], y) : G::local_b(in[0], in[1], y), y);
  }
  Text local_text(int input, const InputTexts& in, const Text& y) const override {
    return input == 0 ? G::local_a(in[0], in[1], y) : G::local_b(in[0], in[1], y);
  }

 private:
  static constexpr bool kSavesNothing = (binary_needs<G>(0) | binary_needs<G>(1)) == 0;
};

}  // namespace gradgate
