// The gate of one input, for each definition: downstream = upstream x local, by the definition read with V = Tensor or by its kernel.
#pragma once

#include "array/copy.h"
#include "array/elementwise.h"
#include "gates/text.h"
#include "gates/unary.h"
#include "gates/uses.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/types.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"

namespace gradgate {

// A gate that saves nothing has a constant local gradient.
template <class V>
V times_constant(const V& dy, double local) {
  if (local == 1) return dy;
  if (local == -1) return -dy;
  if (local == 0) return zeros(dy.shape(), dy.dtype());
  return dy * V(local);
}

// A formula of several operations is a gate with parts. One that chooses by a condition is not: no gradient flows through conditions.
inline bool has_parts(const Text& formula) { return formula.steps > 1 && !formula.chooses; }

// A local gradient as an array of the output's shape.
inline Tensor local_array(const Tensor& local, const Tensor& y) { return expand(cast(local, y.dtype()), y.shape()); }

template <class G>
class UnaryGate final : public Gate {
 public:
  explicit UnaryGate(const double* scalars) {
    for (int i = 0; i < G::info.scalar_count(); ++i) scalars_[i] = scalars[i];
  }
  const GateKind& kind() const override {
    static const GateKind kind(G::info.name);
    return kind;
  }
  void infer(const Inputs& in, Plan& plan) const override {
    Planned& y = plan.add();
    y.shape = in[0].shape();
    y.dtype = in[0].dtype();
    if (!in[0].is_contiguous() && is_dense(in[0])) y.strides = in[0].strides();
  }
  void run(const Inputs& in, const Outputs& out) const override { run_unary(UnaryGates::index<G>(), out[0], in[0], scalars_); }

  Saved saves(unsigned) const override { return {saves_inputs(unary_saves<G>()), saves_output(unary_saves<G>())}; }
  void rule(BackwardContext& c) const override {
    const Tensor& dy = c.upstream();
    FormulaType type(dy.dtype());
    if constexpr (unary_saves<G>() == Saves::nothing)
      c.downstream(0, times_constant(dy, unary_local<G>(0.0, 0.0, scalars_)));
    else
      c.downstream(0, dy * unary_local<G>(c.input(0), c.output(), scalars_));
  }
  bool run_backward(BackwardContext& c) const override {
    if constexpr (unary_saves<G>() == Saves::nothing) return false;
    const Tensor x = c.input(0), y = c.output();
    const Tensor& saved = x.defined() ? x : y;
    Tensor dx(empty_like(saved));
    run_unary_backward(UnaryGates::index<G>(), dx, c.upstream(), x.defined() ? &x.array() : nullptr, y.defined() ? &y.array() : nullptr,
                       scalars_);
    c.downstream(0, std::move(dx));
    return true;
  }

  Tensors parts(const Tensors& in) const override {
    FormulaType type(in[0].dtype());
    return has_parts(unary_forward<G>(Text("x", Binding::atom), scalars_)) ? Tensors{unary_forward<G>(in[0], scalars_)} : Tensors{};
  }
  Text text(const InputTexts& in) const override { return unary_forward<G>(in[0], scalars_); }
  Tensor local(int, const Tensors& in, const Tensor& y) const override {
    FormulaType type(y.dtype());
    return local_array(unary_local<G>(in[0], y, scalars_), y);
  }
  Text local_text(int, const InputTexts& in, const Text& y) const override { return unary_local<G>(in[0], y, scalars_); }

 private:
  double scalars_[kMaxGateScalars] = {};
};

}  // namespace gradgate
