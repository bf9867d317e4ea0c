// Variances and standard deviations in two passes, and their gate.
#include "graph/reduce/variance.h"

#include <algorithm>
#include <cmath>

#include "array/reduction.h"
#include "base/float_environment.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/reduce/reduce.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/view.h"
#include "kernels/reduce.h"

namespace gradgate {
namespace {

const GateKind kVar("var"), kStd("std");

enum class Spread { var, std };

// d var = 2 (x - mean) / (n - correction) dx; d std = d var / (2 std), taken as 0 where std is 0. The mean is kept for backward, with the
// reduced dimensions as ones.
class Variance final : public Gate {
 public:
  Variance(Spread spread, const Dims& dims, double correction, bool keepdim)
      : spread_(spread), dims_(dims), correction_(correction), keepdim_(keepdim) {}
  const GateKind& kind() const override { return spread_ == Spread::var ? kVar : kStd; }
  void infer(const Inputs& in, Plan& plan) const override {
    if (!is_floating(in[0].dtype()))
      fail<RuntimeError>("std and var only support floating point dtypes, got ", in[0].dtype(), "; convert with .float() first");
    plan.push_back({{kept_shape(in[0].shape(), dims_, keepdim_), in[0].dtype()}});
    plan.push_back({{kept_shape(in[0].shape(), dims_, true), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    const Array &x = in[0], &result = out[0], &mean = out[1];
    reduce_floating("mean", Reduction::sum, x, dims_, mean);
    divide_by(mean, reduced_count(x.shape(), dims_));
    FloatEnvironment environment;
    const Arrangement a = arrange(x, dims_);
    visit_floating("var", x.dtype(), [&]<class T>() {
      T* const y = result.data<T>();
      sum_squared_deviations(a.outer, a.reduced, a.columns, a.x.data<T>(), mean.data<T>(), y);
      const T divisor = static_cast<T>(degrees_of_freedom(x.shape()));
      for (std::int64_t i = 0; i < result.numel(); ++i) {
        y[i] /= divisor;
        if (spread_ == Spread::std) y[i] = std::sqrt(y[i]);
      }
    });
  }
  Saved saves(unsigned) const override { return {1, spread_ == Spread::var ? 2u : 3u}; }
  void rule(BackwardContext& c) const override { send_down(c, mean(c.input(0), dims_, true)); }
  bool run_backward(BackwardContext& c) const override {
    send_down(c, c.output(1));
    return true;
  }
  Tensors parts(const Tensors& in) const override {
    const Tensor centered = in[0] - mean(in[0], dims_, true);
    const Tensor y = sum(apply<Square>(centered), dims_, keepdim_) / Tensor(degrees_of_freedom(in[0].shape()));
    return {spread_ == Spread::var ? y : sqrt(y)};
  }
  Text text(const InputTexts& in) const override {
    const std::string axes = axes_text(dims_, in.ndim(), keepdim_);
    const Text ddof(correction_);
    return method_text(in[0], cat(spread_ == Spread::var ? ".var(" : ".std(", axes, axes.empty() ? "" : ", ", "ddof=", ddof.code, ")"));
  }

 private:
  double degrees_of_freedom(const Dims& shape) const {
    return std::max(0.0, static_cast<double>(reduced_count(shape, dims_)) - correction_);
  }

  void send_down(BackwardContext& c, const Tensor& center) const {
    const Tensor x = c.input(0);
    c.downstream(0, (x - center) * with_dims(weight(c), x.shape(), dims_));
  }
  // What (x - mean) is multiplied with.
  Tensor weight(const BackwardContext& c) const {
    const double freedom = degrees_of_freedom(c.input_shape(0));
    if (spread_ == Spread::var) return c.upstream() * Tensor(2 / freedom);
    const Tensor y = c.output(), is_zero = y == Tensor(0);
    return select(is_zero, zeros({}, y.dtype()), c.upstream() / (select(is_zero, ones({}, y.dtype()), y) * Tensor(freedom)));
  }

  Spread spread_;
  Dims dims_;
  double correction_;
  bool keepdim_;
};

}  // namespace

Tensor var(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return evaluate(Variance(Spread::var, reduced_dims(x.ndim(), dims), correction, keepdim), x);
}
Tensor standard_deviation(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return evaluate(Variance(Spread::std, reduced_dims(x.ndim(), dims), correction, keepdim), x);
}

}  // namespace gradgate
