// Clone and cast.
#include "graph/shapes/conversion.h"

#include "array/copy.h"
#include "graph/engine/texts.h"

namespace gradgate {
namespace {

const GateKind kClone("clone"), kCast("to_copy");

class Clone final : public Gate {
 public:
  explicit Clone(bool row_major) : row_major_(row_major) {}
  const GateKind& kind() const override { return kClone; }
  void infer(const Inputs& in, Plan& plan) const override {
    Planned& y = plan.add();
    y.shape = in[0].shape();
    y.dtype = in[0].dtype();
    if (!row_major_ && !in[0].is_contiguous() && is_dense(in[0])) y.strides = in[0].strides();
  }
  void run(const Inputs& in, const Outputs& out) const override { copy_elements(out[0], in[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, c.take_upstream()); }
  Text text(const InputTexts& in) const override { return method_text(in[0], ".copy()"); }

 private:
  bool row_major_;
};

class Cast final : public Gate {
 public:
  explicit Cast(DType to) : to_(to) {}
  const GateKind& kind() const override { return kCast; }
  void infer(const Inputs& in, Plan& plan) const override {
    Planned& y = plan.add();
    y.shape = in[0].shape();
    y.dtype = to_;
    if (!in[0].is_contiguous() && is_dense(in[0])) y.strides = in[0].strides();
  }
  void run(const Inputs& in, const Outputs& out) const override { copy_elements(out[0], in[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, cast(c.upstream(), c.input_dtype(0))); }
  Ref<const Gate> in_type(DType floating) const override {
    return Ref<const Gate>(is_floating(to_) ? new Cast(floating) : this);
  }
  Text text(const InputTexts& in) const override { return method_text(in[0], cat(".astype(np.", name(to_), ")")); }

 private:
  DType to_;
};

}  // namespace

Tensor clone(const Tensor& t) { return evaluate(Clone(false), t); }

Tensor cast(const Tensor& t, DType dtype) {
  if (t.dtype() == dtype && !t.is_number()) return t;
  if (is_floating(dtype)) return evaluate(Cast(dtype), t);
  Tensor out(empty_like(t, dtype));  // no gradient flows through integers
  copy_elements(out, t);
  return out;
}

Tensor contiguous(const Tensor& t) { return t.is_contiguous() ? t : evaluate(Clone(true), t); }

void replace(const char* operation, const Tensor& target, const Tensor& result) {
  if (kind(result.dtype()) > kind(target.dtype()))
    fail<RuntimeError>(operation, ": result type ", result.dtype(), " can't be cast to the desired output type ", target.dtype());
  overwrite(operation, target, cast(result, target.dtype()));
}

}  // namespace gradgate
