// The gates of rounded quotients and remainders.
#include "graph/elementwise/quotient.h"

#include "gates/text.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/types.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"

namespace gradgate {
namespace {

const GateKind kFloorDivide("floor_divide"), kDiv("div"), kRemainder("remainder"), kFmod("fmod");

class Rounded : public Gate {
 public:
  Rounded(const char* operation, Rounding rounding) : operation_(operation), rounding_(rounding) {}
  void infer(const Inputs& in, Plan& plan) const override {
    plan.push_back({{broadcast_shapes(operation_, in[0].shape(), in[1].shape()), in[0].dtype()}});
  }

 protected:
  const char* operation_;
  Rounding rounding_;
};

class RoundedQuotient final : public Rounded {
 public:
  using Rounded::Rounded;
  const GateKind& kind() const override { return rounding_ == Rounding::floor ? kFloorDivide : kDiv; }
  void run(const Inputs& in, const Outputs& out) const override { rounded_quotient(operation_, rounding_, in[0], in[1], out[0]); }
  void rule(BackwardContext& c) const override {
    for (int i = 0; i < 2; ++i)
      if (c.needs(i)) c.downstream(i, zeros(c.input_shape(i), c.input_dtype(i)));
  }
  Text text(const InputTexts& in) const override {
    return rounding_ == Rounding::floor ? called("np.floor_divide", in[0], in[1]) : called("np.trunc", in[0] / in[1]);
  }
};

class Remainder final : public Rounded {
 public:
  using Rounded::Rounded;
  const GateKind& kind() const override { return rounding_ == Rounding::floor ? kRemainder : kFmod; }
  void run(const Inputs& in, const Outputs& out) const override { remainder(operation_, rounding_, in[0], in[1], out[0]); }
  Saved saves(unsigned wanted) const override { return {wanted & 2 ? 3u : 0u, 0}; }
  void rule(BackwardContext& c) const override {
    const Tensor& dy = c.upstream();
    if (c.needs(0)) c.downstream(0, sum_to(dy, c.input_shape(0)));
    if (c.needs(1))
      c.downstream(1, sum_to(-(dy * rounded_quotient(operation_, rounding_, c.input(0), c.input(1))), c.input_shape(1)));
  }
  Text text(const InputTexts& in) const override { return called(rounding_ == Rounding::floor ? "np.remainder" : "np.fmod", in[0], in[1]); }
};

template <class G>
Tensor apply_rounded(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b) {
  const DType dtype = result_type(a, b);
  if (dtype == DType::boolean) fail<RuntimeError>(operation, " is not defined for bool tensors; convert them with .int()");
  return evaluate(G(operation, rounding), cast(a, dtype), cast(b, dtype));
}

}  // namespace

Tensor rounded_quotient(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b) {
  return apply_rounded<RoundedQuotient>(operation, rounding, a, b);
}

Tensor remainder(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b) {
  return apply_rounded<Remainder>(operation, rounding, a, b);
}

}  // namespace gradgate
