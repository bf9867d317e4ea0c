// Vector norms by the cheapest reduction, and their node.
#include "graph/reduce_norm.h"

#include <cmath>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/power.h"
#include "graph/reduce.h"
#include "graph/reduce_arrangement.h"
#include "graph/reduce_extreme.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"
#include "graph/view.h"

namespace gradgate {
namespace {

Tensor zero_like(const Tensor& t) { return zeros({}, t.dtype()); }

// d norm / dx = sign(x) |x|^(p - 1) norm^(1 - p)
class Norm final : public Node {
 public:
  Norm(const Tensor& x, const Tensor& y, double p, const Dims& dims, bool keepdim)
      : x_(SavedTensor::input(x)), y_(SavedTensor::output(y)), p_(p), dims_(dims), keepdim_(keepdim) {}
  const char* name() const override { return "NormBackward"; }
  void backward(Flow& flow) override {
    const Tensor x = x_.unpack(*this);
    const Tensor dy = with_dims(flow.upstream(), x.shape(), dims_);
    if (p_ == 0) return flow.downstream(0, zeros(x.shape(), x.dtype()));
    if (p_ == 1) return flow.downstream(0, dy * apply<Sign>(x));
    const Tensor y = with_dims(y_.unpack(*this), x.shape(), dims_);
    const Tensor is_zero = y == Tensor(0);
    const Tensor safe_y = select(is_zero, ones({}, y.dtype()), y);
    const Tensor share = select(is_zero, zero_like(y), p_ == 2 ? dy / safe_y : dy * power(safe_y, Tensor(1 - p_)));
    flow.downstream(0, p_ == 2 ? x * share : share * power_of_magnitude(x));
  }
  Tensors forward(const Replay& in) const override { return {norm(in[0], p_, dims_, keepdim_)}; }
  Tensors parts(const Replay& in) const override {
    const Tensor& x = in[0];
    if (p_ == 2) return {sqrt(sum(apply<Square>(x), dims_, keepdim_))};
    if (p_ == 1) return {sum(abs(x), dims_, keepdim_)};
    if (p_ == 0 && !tracing()) return {};  // nothing that gradients flow through
    if (p_ == 0) return {cast(sum(x != Tensor(0), dims_, keepdim_), x.dtype())};
    return {power(sum(power(abs(x), Tensor(p_)), dims_, keepdim_), Tensor(1 / p_))};
  }

 private:
  void release() override {
    x_.reset();
    y_.reset();
  }
  // sign(x) |x|^(p - 1), and 0 at 0, where the power of a p below 1 would be infinite.
  Tensor power_of_magnitude(const Tensor& x) const {
    const Tensor is_zero = x == Tensor(0);
    const Tensor magnitude = select(is_zero, ones({}, x.dtype()), abs(x));
    return select(is_zero, zero_like(x), apply<Sign>(x) * power(magnitude, Tensor(p_ - 1)));
  }

  SavedTensor x_, y_;
  double p_;
  Dims dims_;
  bool keepdim_;
};

Tensor run(const Tensor& x, double p, const Dims& dims, bool keepdim) {
  if (p == 2) {
    const Tensor squares = reduce_floating("norm", Reduction::sum_of_squares, x, dims, keepdim);
    run_unary(UnaryGates::index<Sqrt>(), squares, squares, nullptr);
    return squares;
  }
  if (p == 1) return reduce_floating("norm", Reduction::sum_of_magnitudes, x, dims, keepdim);
  const Tensor values = detach(x);
  if (p == 0) return cast(sum(values != Tensor(0), dims, keepdim), x.dtype());
  return power(sum(power(abs(values), Tensor(p)), dims, keepdim), Tensor(1 / p));
}

}  // namespace

Tensor norm(const Tensor& x, double p, const Dims& dims, bool keepdim) {
  if (!is_floating(x.dtype()))
    fail<RuntimeError>("norm: expected a floating point tensor as input, got ", x.dtype(), "; convert with .float() first");
  if (std::isinf(p)) return extreme_value(p > 0 ? Extreme::max : Extreme::min, "norm", abs(x), dims, keepdim);
  const Dims reduced = reduced_dims(x, dims);
  Tensor out = run(x, p, reduced, keepdim);
  if (!records(x)) return out;
  auto* node = new Norm(x, out, p, reduced, keepdim);
  return record(std::move(out), node, x);
}

}  // namespace gradgate
