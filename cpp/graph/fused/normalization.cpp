// The fused layer normalisation and its gate.
#include "graph/fused/normalization.h"

#include "array/copy.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/record.h"
#include "graph/reduce/reduce.h"
#include "graph/shapes/broadcast.h"
#include "kernels/normalization.h"

namespace gradgate {
namespace {

const GateKind kLayerNorm("layer_norm");

// Of the inputs x, weight and bias, of which the last two may be left out. Each row's mean and 1 / sqrt(var + eps) are kept for backward.
// With z = (x - mean) rstd and g = dy weight: dx = rstd (g - mean(g) - z mean(g z)), dweight = sum(dy z), dbias = sum(dy).
class LayerNorm final : public Gate {
 public:
  LayerNorm(const Dims& normalized, double eps) : normalized_(normalized), eps_(eps) {}
  const GateKind& kind() const override { return kLayerNorm; }
  void infer(const Inputs& in, Plan& plan) const override {
    check_shapes(in);
    Dims outer;
    for (int i = 0; i < in[0].ndim() - normalized_.size(); ++i) outer.push_back(in[0].size(i));
    plan.push_back({{in[0].shape(), in[0].dtype()}});
    plan.push_back({{outer, in[0].dtype()}});
    plan.push_back({{outer, in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    // An array that was left out has no data.
    const Array x = packed(in[0]), weight = in.has(1) ? packed(in[1]) : Array(), bias = in.has(2) ? packed(in[2]) : Array();
    visit_floating("layer_norm", x.dtype(), [&]<class T>() {
      layer_norm_rows<T>(out[1].numel(), normalized_.product(), x.data<T>(), weight.data<T>(), bias.data<T>(), static_cast<T>(eps_),
                         out[0].data<T>(), out[1].data<T>(), out[2].data<T>());
    });
  }
  // The gradient of the bias needs nothing.
  Saved saves(unsigned wanted) const override {
    if (!(wanted & 3)) return {};
    return {wanted & 1 ? 3u : 1u, 6};
  }
  void rule(BackwardContext& c) const override {
    if (c.needs(0) || c.needs(1)) by_formula(c);
    if (c.needs(2)) c.downstream(2, sum_to(c.upstream(), normalized_));
  }
  // The kernels form the same sums in the same order, with the statistics of the forward pass.
  bool run_backward(BackwardContext& c) const override {
    if (c.needs(0) || c.needs(1)) by_kernels(c);
    if (c.needs(2)) c.downstream(2, sum_to(c.upstream(), normalized_));
    return true;
  }
  Tensors parts(const Tensors& in) const override {
    const Tensor& x = in[0];
    const Dims dims = normalized_dims(x.ndim());
    const Tensor centered = x - mean(x, dims, true);
    Tensor y = centered / sqrt(mean(apply<Square>(centered), dims, true) + Tensor(eps_));
    if (in[1].defined()) y = y * in[1];
    return {in[2].defined() ? y + in[2] : y};
  }

 private:
  void check_shapes(const Inputs& in) const {
    const Array& x = in[0];
    const int leading = x.ndim() - normalized_.size();
    bool matches = leading >= 0 && !normalized_.empty();
    for (int i = 0; matches && i < normalized_.size(); ++i) matches = x.size(leading + i) == normalized_[i];
    if (!matches)
      fail<RuntimeError>("layer_norm: normalized_shape ", normalized_, " must be the last dimensions of the input, got an input of shape ",
                         x.shape());
    for (const auto& [name, i] : {std::pair{"weight", 1}, std::pair{"bias", 2}}) {
      if (!in.has(i)) continue;
      if (!(in[i].shape() == normalized_))
        fail<RuntimeError>("layer_norm: ", name, " must have the shape ", normalized_, ", got ", in[i].shape());
      if (in[i].dtype() != x.dtype())
        fail<RuntimeError>("layer_norm: expected a ", name, " of the input's type ", x.dtype(), ", got ", in[i].dtype());
    }
    visit_floating("layer_norm", x.dtype(), []<class T>() {});  // throws for other types
  }
  Dims normalized_dims(int ndim) const {
    Dims dims;
    for (int i = ndim - normalized_.size(); i < ndim; ++i) dims.push_back(i);
    return dims;
  }

  void by_formula(BackwardContext& c) const {
    const Tensor x = c.input(0), weight = c.input(1), dy = c.upstream();
    const Dims dims = normalized_dims(x.ndim());
    const Tensor centered = x - mean(x, dims, true);
    const Tensor rstd = apply<Rsqrt>(mean(centered * centered, dims, true) + Tensor(eps_)), z = centered * rstd;
    if (c.needs(0)) {
      const Tensor g = weight.defined() ? dy * weight : dy;
      c.downstream(0, rstd * (g - mean(g, dims, true) - z * mean(g * z, dims, true)));
    }
    if (c.needs(1)) c.downstream(1, sum_to(dy * z, normalized_));
  }

  void by_kernels(BackwardContext& c) const {
    const Tensor mean = c.output(1), rstd = c.output(2), weight = c.input(1);
    const Array x = packed(c.input(0)), dy = packed(c.upstream()), scale = weight.defined() ? packed(weight) : Array();
    const std::int64_t rows = mean.numel(), n = normalized_.product();
    visit_floating("layer_norm", x.dtype(), [&]<class T>() {
      if (c.needs(0)) {
        Tensor dx = Tensor::empty(x.shape(), x.dtype());
        layer_norm_rows_backward<T>(rows, n, dy.data<T>(), x.data<T>(), mean.data<T>(), rstd.data<T>(), scale.data<T>(), dx.data<T>());
        c.downstream(0, std::move(dx));
      }
      if (c.needs(1)) {
        Tensor dweight = Tensor::empty(normalized_, x.dtype());
        layer_norm_rows_weight<T>(rows, n, dy.data<T>(), x.data<T>(), mean.data<T>(), rstd.data<T>(), dweight.data<T>());
        c.downstream(1, std::move(dweight));
      }
    });
  }

  Dims normalized_;
  double eps_;
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Dims& normalized, const Tensor& weight, const Tensor& bias, double eps) {
  return evaluate(LayerNorm(normalized, eps), x, weight, bias);
}

}  // namespace gradgate
