// The gate of three inputs, for each definition. They are rare: their gradients are computed by the rule alone.
#pragma once

#include "gates/ternary.h"
#include "graph/elementwise/unary.h"

namespace gradgate {

template <class G>
class TernaryGate final : public Gate {
 public:
  const GateKind& kind() const override {
    static const GateKind kind(G::info.name);
    return kind;
  }
  void infer(const Inputs& in, Plan& plan) const override {
    const Dims pair = broadcast_shapes(G::info.name, in[0].shape(), in[1].shape());
    plan.push_back({{broadcast_shapes(G::info.name, pair, in[2].shape()), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    run_ternary(TernaryGates::index<G>(), out[0], in[0], in[1], in[2]);
  }
  Saved saves(unsigned) const override { return {saves_inputs(ternary_saves<G>()) ? 7u : 0u, saves_output(ternary_saves<G>())}; }
  void rule(BackwardContext& c) const override {
    const Tensor& dy = c.upstream();
    FormulaType type(dy.dtype());
    const Tensor a = c.input(0), b = c.input(1), d = c.input(2), y = c.output();
    for (int i = 0; i < 3; ++i)
      if (c.needs(i)) c.downstream(i, sum_to(dy * local_by(i, a, b, d, y), c.input_shape(i)));
  }

  Tensors parts(const Tensors& in) const override {
    FormulaType type(in[0].dtype());
    const Text x("x", Binding::atom);
    return has_parts(G::forward(x, x, x)) ? Tensors{G::forward(in[0], in[1], in[2])} : Tensors{};
  }
  Text text(const InputTexts& in) const override { return G::forward(in[0], in[1], in[2]); }
  Tensor local(int input, const Tensors& in, const Tensor& y) const override {
    FormulaType type(y.dtype());
    return local_array(local_by(input, in[0], in[1], in[2], y), y);
  }
  Text local_text(int input, const InputTexts& in, const Text& y) const override { return local_by(input, in[0], in[1], in[2], y); }

 private:
  template <class V>
  static V local_by(int input, const V& a, const V& b, const V& c, const V& y) {
    return input == 0 ? G::local_a(a, b, c, y) : input == 1 ? G::local_b(a, b, c, y) : G::local_c(a, b, c, y);
  }
};

}  // namespace gradgate
