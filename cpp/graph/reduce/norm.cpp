// Vector norms by the cheapest reduction, and their gate.
#include "graph/reduce/norm.h"

#include <cmath>

#include "array/copy.h"
#include "array/elementwise.h"
#include "array/reduction.h"
#include "graph/elementwise/elementwise.h"
#include "graph/elementwise/power.h"
#include "graph/engine/creation.h"
#include "graph/engine/phrase.h"
#include "graph/reduce/extreme.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kNorm("norm");

Tensor zero_like(const Tensor& t) { return zeros({}, t.dtype()); }

// d norm / dx = sign(x) |x|^(p - 1) norm^(1 - p)
class Norm final : public Gate {
 public:
  Norm(double p, const Dims& dims, bool keepdim) : p_(p), dims_(dims), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kNorm; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{kept_shape(in[0].shape(), dims_, keepdim_), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    if (p_ == 2) {
      reduce_floating("norm", Reduction::sum_of_squares, in[0], dims_, out[0]);
      run_unary(UnaryGates::index<Sqrt>(), out[0], out[0], nullptr);
    } else if (p_ == 1) {
      reduce_floating("norm", Reduction::sum_of_magnitudes, in[0], dims_, out[0]);
    } else {
      copy_elements(out[0], of_powers(Tensor(in[0])));
    }
  }
  Saved saves(unsigned) const override {
    if (p_ == 0) return {};
    return p_ == 1 ? Saved{1, 0} : Saved{1, 1};
  }
  void rule(BackwardContext& c) const override {
    if (p_ == 0) return c.downstream(0, zeros(c.input_shape(0), c.input_dtype(0)));
    const Tensor x = c.input(0), dy = with_dims(c.upstream(), x.shape(), dims_);
    if (p_ == 1) return c.downstream(0, dy * apply<Sign>(x));
    const Tensor y = with_dims(c.output(), x.shape(), dims_), is_zero = y == Tensor(0);
    const Tensor safe_y = select(is_zero, ones({}, y.dtype()), y);
    const Tensor share = select(is_zero, zero_like(y), p_ == 2 ? dy / safe_y : dy * power(safe_y, Tensor(1 - p_)));
    c.downstream(0, p_ == 2 ? x * share : share * power_of_magnitude(x));
  }
  Tensors parts(const Tensors& in) const override {
    if (p_ == 2) return {sqrt(sum(apply<Square>(in[0]), dims_, keepdim_))};
    if (p_ == 1) return {sum(abs(in[0]), dims_, keepdim_)};
    if (p_ == 0 && !tracing()) return {};  // nothing that gradients flow through
    return {of_powers(in[0])};
  }

 private:
  // The definition; for p = 0 the count of elements that are not zero.
  Tensor of_powers(const Tensor& x) const {
    if (p_ == 0) return cast(sum(x != Tensor(0), dims_, keepdim_), x.dtype());
    return power(sum(power(abs(x), Tensor(p_)), dims_, keepdim_), Tensor(1 / p_));
  }
  // sign(x) |x|^(p - 1), and 0 at 0, where the power of a p below 1 would be infinite.
  Tensor power_of_magnitude(const Tensor& x) const {
    const Tensor is_zero = x == Tensor(0);
    const Tensor magnitude = select(is_zero, ones({}, x.dtype()), abs(x));
    return select(is_zero, zero_like(x), apply<Sign>(x) * power(magnitude, Tensor(p_ - 1)));
  }

  double p_;
  Dims dims_;
  bool keepdim_;
};

}  // namespace

Tensor norm(const Tensor& x, double p, const Dims& dims, bool keepdim) {
  if (!is_floating(x.dtype()))
    fail<RuntimeError>("norm: expected a floating point tensor as input, got ", x.dtype(), "; convert with .float() first");
  if (std::isinf(p)) return extreme_value(p > 0 ? Extreme::max : Extreme::min, kNorm, abs(x), dims, keepdim);
  return evaluate(Norm(p, reduced_dims(x.ndim(), dims), keepdim), x);
}

}  // namespace gradgate
