// Variances and standard deviations in two passes, and their nodes.
#include "graph/reduce_variance.h"

#include <cmath>
#include <vector>

#include "base/float_environment.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/reduce.h"
#include "graph/reduce_arrangement.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"
#include "graph/view.h"
#include "kernels/reduce.h"

namespace gradgate {
namespace {

enum class Spread { var, std };

struct Moments {
  Tensor result, mean;  // the mean with the reduced dimensions as ones
};

double degrees_of_freedom(const Dims& shape, const Dims& dims, double correction) {
  return std::max(0.0, static_cast<double>(reduced_count(shape, dims)) - correction);
}

Moments run(Spread spread, const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  FloatEnvironment environment;
  Moments m{Tensor::empty(kept_shape(x.shape(), dims, keepdim), x.dtype()), mean(detach(x), dims, true)};
  const Arrangement a = arrange(x, dims);
  visit_floating("var", x.dtype(), [&]<class T>() {
    T* const y = m.result.data<T>();
    sum_squared_deviations(a.outer, a.reduced, a.columns, a.x.data<T>(), m.mean.data<T>(), y);
    const T divisor = static_cast<T>(degrees_of_freedom(x.shape(), dims, correction));
    for (std::int64_t i = 0; i < m.result.numel(); ++i) {
      y[i] /= divisor;
      if (spread == Spread::std) y[i] = std::sqrt(y[i]);
    }
  });
  return m;
}

// d var = 2 (x - mean) / (n - correction) dx; d std = d var / (2 std), taken as 0 where std is 0.
class Variance final : public Node {
 public:
  Variance(Spread spread, const Tensor& x, const Moments& m, const Dims& dims, double correction, bool keepdim)
      : spread_(spread),
        x_(SavedTensor::input(x)),
        dims_(dims),
        correction_(correction),
        mean_(m.mean),
        ndim_(x.ndim()),
        keepdim_(keepdim) {
    if (spread == Spread::std) y_ = SavedTensor::output(m.result);
  }
  const char* name() const override { return spread_ == Spread::var ? "VarBackward" : "StdBackward"; }
  void backward(Flow& flow) override {
    const Tensor x = x_.unpack(*this);
    const double freedom = degrees_of_freedom(x.shape(), dims_, correction_);
    Tensor dvar = flow.upstream() * Tensor(2 / freedom);
    if (spread_ == Spread::std) {
      const Tensor y = y_.unpack(*this);
      const Tensor is_zero = y == Tensor(0);
      dvar = select(is_zero, zeros({}, y.dtype()), flow.upstream() / (select(is_zero, ones({}, y.dtype()), y) * Tensor(freedom)));
    }
    const Tensor center = flow.create_graph() ? mean(x, dims_, true) : mean_;
    flow.downstream(0, (x - center) * with_dims(dvar, x.shape(), dims_));
  }
  Tensors forward(const Replay& in) const override {
    return {spread_ == Spread::var ? var(in[0], dims_, correction_, keepdim_) : standard_deviation(in[0], dims_, correction_, keepdim_)};
  }
  Tensors parts(const Replay& in) const override {
    const Tensor centered = in[0] - mean(in[0], dims_, true);
    const double freedom = degrees_of_freedom(in[0].shape(), dims_, correction_);
    const Tensor y = sum(apply<Square>(centered), dims_, keepdim_) / Tensor(freedom);
    return {spread_ == Spread::var ? y : sqrt(y)};
  }
  Text text(const Text* in) const override {
    const std::string axes = axes_text(dims_, ndim_, keepdim_);
    const Text ddof(correction_);
    return method_text(in[0], cat(spread_ == Spread::var ? ".var(" : ".std(", axes, axes.empty() ? "" : ", ", "ddof=", ddof.code, ")"));
  }

 private:
  void release() override {
    x_.reset();
    y_.reset();
    mean_ = Tensor();
  }
  Spread spread_;
  SavedTensor x_, y_;
  Dims dims_;
  double correction_;
  Tensor mean_;
  int ndim_;
  bool keepdim_;
};

Tensor variance(Spread spread, const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  if (!is_floating(x.dtype()))
    fail<RuntimeError>("std and var only support floating point dtypes, got ", x.dtype(), "; convert with .float() first");
  const Dims reduced = reduced_dims(x, dims);
  Moments m = run(spread, x, reduced, correction, keepdim);
  if (!records(x)) return m.result;
  auto* node = new Variance(spread, x, m, reduced, correction, keepdim);
  return record(std::move(m.result), node, x);
}

}  // namespace

Tensor var(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return variance(Spread::var, x, dims, correction, keepdim);
}
Tensor standard_deviation(const Tensor& x, const Dims& dims, double correction, bool keepdim) {
  return variance(Spread::std, x, dims, correction, keepdim);
}

}  // namespace gradgate
