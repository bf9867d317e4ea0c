// Runs the fused layer normalisation and records its gate.
#include "graph/normalization.h"

#include "graph/copy.h"
#include "graph/elementwise.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/reduce.h"
#include "graph/saved_tensor.h"
#include "graph/view.h"
#include "kernels/normalization.h"
#include "kernels/reduce.h"

namespace gradgate {
namespace {

void check_shapes(const Tensor& x, const Dims& normalized, const Tensor& weight, const Tensor& bias) {
  const int leading = x.ndim() - normalized.size();
  bool matches = leading >= 0 && !normalized.empty();
  for (int i = 0; matches && i < normalized.size(); ++i) matches = x.size(leading + i) == normalized[i];
  if (!matches)
    fail<RuntimeError>("layer_norm: normalized_shape ", normalized, " must be the last dimensions of the input, got an input of shape ",
                       x.shape());
  for (const auto& [name, t] : {std::pair{"weight", weight}, std::pair{"bias", bias}}) {
    if (!t.defined()) continue;
    if (!(t.shape() == normalized)) fail<RuntimeError>("layer_norm: ", name, " must have the shape ", normalized, ", got ", t.shape());
    if (t.dtype() != x.dtype())
      fail<RuntimeError>("layer_norm: expected a ", name, " of the input's type ", x.dtype(), ", got ", t.dtype());
  }
}

template <class T>
const T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}
Tensor contiguous_or_undefined(const Tensor& t) { return t.defined() ? contiguous(detach(t)) : t; }

struct Statistics {
  Tensor mean, rstd;  // one value for each row
};

// With z = (x - mean) rstd and g = dy weight: dx = rstd (g - mean(g) - z mean(g z)), dweight = sum(dy z), dbias = sum(dy).
class LayerNorm final : public Node {
 public:
  LayerNorm(const Tensor& x, const Tensor& weight, const Tensor& bias, const Statistics& s, int normalized, double eps)
      : x_(SavedTensor::input(x)),
        has_weight_(weight.defined()),
        has_bias_(bias.defined()),
        statistics_(s),
        normalized_(normalized),
        eps_(eps) {
    if (has_weight_) weight_ = SavedTensor::input(weight);
  }
  const char* name() const override { return "LayerNormBackward"; }
  void backward(Flow& flow) override {
    const Tensor x = x_.unpack(*this), weight = has_weight_ ? weight_.unpack(*this) : Tensor();
    if (flow.create_graph())
      by_formula(flow, x, weight);
    else
      by_kernels(flow, x, weight);
    if (has_bias_ && flow.needs(bias_input())) flow.downstream(bias_input(), sum_to(flow.upstream(), normalized_shape(x)));
  }
  Tensors forward(const Replay& in) const override {
    const Tensor weight = has_weight_ ? in[1] : Tensor(), bias = has_bias_ ? in[bias_input()] : Tensor();
    return {layer_norm(in[0], normalized_shape(in[0]), weight, bias, eps_)};
  }
  Tensors parts(const Replay& in) const override {
    const Tensor& x = in[0];
    const Dims dims = normalized_dims(x);
    const Tensor centered = x - mean(x, dims, true);
    Tensor y = centered / sqrt(mean(apply<Square>(centered), dims, true) + Tensor(eps_));
    if (has_weight_) y = y * in[1];
    return {has_bias_ ? y + in[bias_input()] : y};
  }

 private:
  void release() override {
    x_.reset();
    weight_.reset();
    statistics_ = {};
  }
  int bias_input() const { return has_weight_ ? 2 : 1; }
  Dims normalized_shape(const Tensor& x) const {
    Dims shape;
    for (int i = x.ndim() - normalized_; i < x.ndim(); ++i) shape.push_back(x.size(i));
    return shape;
  }

  Dims normalized_dims(const Tensor& x) const {
    Dims dims;
    for (int i = x.ndim() - normalized_; i < x.ndim(); ++i) dims.push_back(i);
    return dims;
  }

  void by_formula(Flow& flow, const Tensor& x, const Tensor& weight) const {
    const Dims dims = normalized_dims(x);
    const Tensor centered = x - mean(x, dims, true);
    const Tensor rstd = apply<Rsqrt>(mean(centered * centered, dims, true) + Tensor(eps_));
    const Tensor z = centered * rstd, dy = flow.upstream();
    const Tensor g = has_weight_ ? dy * weight : dy;
    if (flow.needs(0)) flow.downstream(0, rstd * (g - mean(g, dims, true) - z * mean(g * z, dims, true)));
    if (has_weight_ && flow.needs(1)) flow.downstream(1, sum_to(dy * z, weight.shape()));
  }

  void by_kernels(Flow& flow, const Tensor& x, const Tensor& weight) const {
    const Tensor values = contiguous(detach(x)), dy = contiguous(flow.upstream()), scale = contiguous_or_undefined(weight);
    visit_floating("layer_norm", x.dtype(), [&]<class T>() {
      const std::int64_t rows = statistics_.mean.numel(), n = normalized_shape(x).product();
      const T *const mean = statistics_.mean.data<T>(), *const rstd = statistics_.rstd.data<T>();
      if (flow.needs(0)) {
        Tensor dx = Tensor::empty(x.shape(), x.dtype());
        layer_norm_rows_backward(rows, n, dy.data<T>(), values.data<T>(), mean, rstd, data_or_null<T>(scale), dx.data<T>());
        flow.downstream(0, std::move(dx));
      }
      if (has_weight_ && flow.needs(1)) {
        Tensor dweight = Tensor::empty(weight.shape(), x.dtype());
        layer_norm_rows_weight(rows, n, dy.data<T>(), values.data<T>(), mean, rstd, dweight.data<T>());
        flow.downstream(1, std::move(dweight));
      }
    });
  }

  SavedTensor x_, weight_;
  bool has_weight_, has_bias_;
  Statistics statistics_;
  int normalized_;
  double eps_;
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Dims& normalized, const Tensor& weight, const Tensor& bias, double eps) {
  check_shapes(x, normalized, weight, bias);
  const Tensor values = contiguous(detach(x)), scale = contiguous_or_undefined(weight), shift = contiguous_or_undefined(bias);
  Dims outer;
  for (int i = 0; i < x.ndim() - normalized.size(); ++i) outer.push_back(x.size(i));
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  const Statistics s{Tensor::empty(outer, x.dtype()), Tensor::empty(outer, x.dtype())};
  visit_floating("layer_norm", x.dtype(), [&]<class T>() {
    layer_norm_rows<T>(outer.product(), normalized.product(), values.data<T>(), data_or_null<T>(scale), data_or_null<T>(shift),
                       static_cast<T>(eps), out.data<T>(), s.mean.data<T>(), s.rstd.data<T>());
  });
  if (!grad_enabled() || !(x.requires_grad() || (weight.defined() && weight.requires_grad()) || (bias.defined() && bias.requires_grad())))
    return out;
  Ref<Node> node(new LayerNorm(x, weight, bias, s, normalized.size(), eps));
  node->add_input(x);
  if (weight.defined()) node->add_input(weight);
  if (bias.defined()) node->add_input(bias);
  return record_gate(std::move(out), std::move(node));
}

}  // namespace gradgate
