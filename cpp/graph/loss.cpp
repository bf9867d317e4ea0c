// Runs the fused cross-entropy and records its gate.
#include "graph/loss.h"

#include <algorithm>

#include "base/float_environment.h"
#include "graph/compare.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/formula.h"
#include "graph/gather.h"
#include "graph/node.h"
#include "graph/reduce.h"
#include "graph/reduce_arrangement.h"
#include "graph/saved_tensor.h"
#include "graph/selection.h"
#include "graph/softmax.h"
#include "graph/trace.h"
#include "graph/view.h"
#include "kernels/reduce.h"
#include "kernels/softmax_cross_entropy.h"

namespace gradgate {
namespace {

int class_dim(const Tensor& x) { return x.ndim() > 1 ? 1 : 0; }

void check_shapes(const Tensor& x, const Tensor& target, const Tensor& weight) {
  if (x.ndim() == 0) fail<ValueError>("cross_entropy: expected an input (C,) or (N, C, *), got a tensor without dimensions");
  if (is_floating(target.dtype()) || target.dtype() == DType::boolean)
    fail<RuntimeError>("cross_entropy: class indices must be integers, got a target of ", target.dtype());
  const Dims expected = kept_shape(x.shape(), {class_dim(x)}, false);
  if (!(target.shape() == expected)) {
    const bool has_class_dim = target.shape() == kept_shape(x.shape(), {class_dim(x)}, true);
    fail<ValueError>("cross_entropy: an input of shape ", x.shape(), " needs a target of shape ", expected, ", got ", target.shape(),
                     has_class_dim ? cat("; use target.squeeze(", class_dim(x), ")") : "; one class for each item");
  }
  const std::int64_t classes = x.size(class_dim(x));
  if (!weight.defined()) return;
  if (!(weight.shape() == Dims{classes}))
    fail<RuntimeError>("cross_entropy: weight must have one element for each of ", classes, " classes, got ", weight.shape());
  if (weight.dtype() != x.dtype())
    fail<RuntimeError>("cross_entropy: expected a weight of the input's type ", x.dtype(), ", got ", weight.dtype());
}

// The classes as int64, those that do not count as kIgnoredRow.
Tensor class_indices(const Tensor& target, std::int64_t classes, std::int64_t ignore_index) {
  Tensor out = Tensor::empty(target.shape(), DType::int64);
  copy_elements(out, target);
  auto* const t = out.data<std::int64_t>();
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    if (t[i] == ignore_index)
      t[i] = kIgnoredRow;
    else if (t[i] < 0 || t[i] >= classes)
      fail<IndexError>("cross_entropy: target ", t[i], " is out of bounds for ", classes, " classes (0 to ", classes - 1, ")");
  }
  return out;
}

// The weight of each row: its class's, 1 without weights, 0 where it does not count.
Tensor row_weights(const Tensor& classes, const Tensor& weight, DType dtype) {
  Tensor out = Tensor::empty(classes.shape(), dtype);
  visit_floating("cross_entropy", dtype, [&]<class T>() {
    const auto* const t = classes.data<std::int64_t>();
    for (std::int64_t i = 0; i < out.numel(); ++i)
      out.data<T>()[i] = t[i] == kIgnoredRow ? T(0) : weight.defined() ? weight.data<T>()[t[i]] : T(1);
  });
  return out;
}

// dx = (softmax(x) - onehot(target)) * dy * weight / divisor
class CrossEntropy final : public Node {
 public:
  CrossEntropy(const Tensor& x, const Tensor& p, const Tensor& classes, const Tensor& scale, LossReduction reduction,
               std::int64_t ignore_index)
      : x_(SavedTensor::input(x)), p_(p), classes_(classes), scale_(scale), reduction_(reduction), ignore_index_(ignore_index) {}
  const char* name() const override { return "CrossEntropyBackward"; }
  void backward(Flow& flow) override {
    const Tensor x = x_.unpack(*this);
    const int dim = class_dim(x);
    if (tracing()) return flow.downstream(0, (softmax(x, dim) - onehot(x, dim)) * traced_scale(flow.upstream(), x));
    const Tensor scale = expand(flow.upstream(), classes_.shape()) * scale_;
    if (flow.create_graph())
      flow.downstream(0, (softmax(x, dim) - onehot(x, dim)) * reshape(scale, kept_shape(x.shape(), {dim}, true)));
    else
      flow.downstream(0, run(x, dim, contiguous(scale)));
  }

  Tensors forward(const Replay& in) const override { return {cross_entropy(in[0], in[1], in[2], reduction_, ignore_index_)}; }
  Tensors parts(const Replay& in) const override {
    const Tensor &x = in[0], &target = in[1];
    const Tensor ignored = target == number(ignore_index_);
    const int dim = class_dim(x);
    const Tensor classes = counts_all() ? target : where(ignored, zeros({}, DType::int64), target);
    const Tensor picked = -take(log_softmax(x, dim), of_classes(classes, dim), "GatherBackward");
    if (!in[2].defined() && counts_all()) {
      if (reduction_ == LossReduction::none) return {picked};
      return {reduction_ == LossReduction::sum ? sum(picked) : mean(picked)};
    }
    const Tensor weights = counted_weights(x, target, in[2]), losses = picked * weights;
    if (reduction_ == LossReduction::none) return {losses};
    return {reduction_ == LossReduction::sum ? sum(losses) : sum(losses) / sum(weights)};
  }

 private:
  // Each item's element of its class.
  static Positions of_classes(const Tensor& classes, int dim) {
    Positions at{{{dim, dim, classes}}, false};
    for (int i = 0; i < classes.ndim(); ++i) {
      Dims shape = Dims::filled(classes.ndim(), 1);
      shape[i] = classes.size(i);
      const int along = i < dim ? i : i + 1;
      at.dims.push_back({along, along, reshape(arange(0, classes.size(i), 1, DType::int64), shape), true});
    }
    std::sort(at.dims.begin(), at.dims.end(), [](const IndexedDim& a, const IndexedDim& b) { return a.dim < b.dim; });
    return at;
  }
  bool counts_all() const {
    const auto* const t = classes_.data<std::int64_t>();
    return std::find(t, t + classes_.numel(), kIgnoredRow) == t + classes_.numel();
  }
  // Each row's weight, 0 where it does not count, from gates' values alone.
  Tensor counted_weights(const Tensor& x, const Tensor& target, const Tensor& weight) const {
    const Tensor zero = zeros({}, x.dtype()), ignored = target == number(ignore_index_);
    if (!weight.defined()) return where(ignored, zero, ones({}, x.dtype()));
    if (counts_all()) return take(weight, {{{0, 0, target}}, true});
    return where(ignored, zero, take(weight, {{{0, 0, where(ignored, zeros({}, DType::int64), target)}}, true}));
  }
  // dy * weight / divisor for a trace to write, of a shape that broadcasts to x's.
  Tensor traced_scale(const Tensor& dy, const Tensor& x) const {
    const Tensor &target = input_value(1), &weight = input_value(2);
    const Dims rows = kept_shape(x.shape(), {class_dim(x)}, true);
    const bool by_row = reduction_ == LossReduction::none;
    if (!weight.defined() && counts_all()) {
      if (by_row) return reshape(dy, rows);
      return reduction_ == LossReduction::sum ? dy : dy / full({}, static_cast<double>(target.numel()), x.dtype());
    }
    const Tensor weights = counted_weights(x, target, weight);
    if (by_row) return reshape(dy * weights, rows);
    return reshape(weights, rows) * (reduction_ == LossReduction::sum ? dy : dy / sum(weights));
  }
  void release() override {
    x_.reset();
    p_ = classes_ = scale_ = Tensor();
  }

  Tensor run(const Tensor& x, int dim, const Tensor& scale) const {
    Tensor dx = Tensor::empty(p_.shape(), x.dtype());
    visit_floating("cross_entropy", x.dtype(), [&]<class T>() {
      cross_entropy_backward<T>(classes_.numel(), x.size(dim), p_.data<T>(), classes_.data<std::int64_t>(), scale.data<T>(), dx.data<T>());
    });
    return reordered(dx, inverse_order(dims_last(x.ndim(), {dim})));
  }

  Tensor onehot(const Tensor& x, int dim) const {
    Tensor out = zeros(p_.shape(), x.dtype());
    visit_floating("cross_entropy", x.dtype(), [&]<class T>() {
      const auto* const t = classes_.data<std::int64_t>();
      for (std::int64_t i = 0; i < classes_.numel(); ++i)
        if (t[i] != kIgnoredRow) out.data<T>()[i * x.size(dim) + t[i]] = T(1);
    });
    const Tensor ordered = reordered(out, inverse_order(dims_last(x.ndim(), {dim})));
    Dims classes = Dims::filled(x.ndim(), 1);
    classes[dim] = x.size(dim);
    return phrase(ordered, [dim, classes](const Text* in) {
      const Text all = called("np.arange", Text(std::to_string(classes[dim]), Binding::atom));
      if (classes.size() < 3) return method_text(in[0], dim ? "[:, None]" : "[None]") == all;
      return called("np.expand_dims", in[0], Text(std::to_string(dim), Binding::atom)) == reshape_text(all, classes);
    }, input_value(1));
  }

  SavedTensor x_;
  Tensor p_, classes_, scale_;  // p_ with the classes last, the others of the target's shape
  LossReduction reduction_;
  std::int64_t ignore_index_;
};

// out = the sum of the losses or their weighted mean; the rows' weights become those of the result.
template <class T>
void reduce_losses(LossReduction reduction, std::int64_t rows, const T* losses, T* weights, T* out) {
  FloatEnvironment environment;
  reduce_rows(Reduction::sum, 1, rows, losses, out);
  if (reduction == LossReduction::sum) return;
  T total;
  reduce_rows(Reduction::sum, 1, rows, weights, &total);
  *out /= total;
  // Rows that do not count stay 0 also when none does.
  for (std::int64_t i = 0; i < rows; ++i)
    if (weights[i] != T(0)) weights[i] /= total;
}

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight, LossReduction reduction, std::int64_t ignore_index) {
  check_shapes(x, target, weight);
  const int dim = class_dim(x);
  const Tensor classes = class_indices(target, x.size(dim), ignore_index);
  const Tensor scores = arrange_rows(x, {dim}), weights = weight.defined() ? contiguous(detach(weight)) : weight;
  const std::int64_t rows = classes.numel();
  Tensor p = Tensor::empty(scores.shape(), x.dtype()), out = Tensor::empty(classes.shape(), x.dtype());
  Tensor scale = row_weights(classes, weights, x.dtype());
  visit_floating("cross_entropy", x.dtype(), [&]<class T>() {
    cross_entropy_forward<T>(rows, x.size(dim), scores.data<T>(), classes.data<std::int64_t>(),
                             weights.defined() ? weights.data<T>() : nullptr, p.data<T>(), out.data<T>());
    if (reduction == LossReduction::none) return;
    const Tensor losses = out;
    out = Tensor::empty({}, x.dtype());
    reduce_losses(reduction, rows, losses.data<T>(), scale.data<T>(), out.data<T>());
  });
  return records(x) ? record(std::move(out), new CrossEntropy(x, p, classes, scale, reduction, ignore_index), x, target, weight) : out;
}

}  // namespace gradgate
