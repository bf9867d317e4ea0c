// The fused cross-entropy and its gate.
#include "graph/fused/loss.h"

#include <algorithm>

#include "array/arrangement.h"
#include "array/copy.h"
#include "base/float_environment.h"
#include "graph/choosing/positions.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/phrase.h"
#include "graph/fused/classes.h"
#include "graph/fused/softmax.h"
#include "graph/reduce/reduce.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/view.h"
#include "kernels/reduce.h"
#include "kernels/softmax_cross_entropy.h"

namespace gradgate {
namespace {

const GateKind kCrossEntropy("cross_entropy"), kCrossEntropyBackward("cross_entropy_backward");

void check_shapes(const Inputs& in) {
  const Array &x = in[0], &target = in[1];
  const int dim = class_dim(x.shape());
  if (x.ndim() == 0) fail<ValueError>("cross_entropy: expected an input (C,) or (N, C, *), got a tensor without dimensions");
  if (is_floating(target.dtype()) || target.dtype() == DType::boolean)
    fail<RuntimeError>("cross_entropy: class indices must be integers, got a target of ", target.dtype());
  const Dims expected = kept_shape(x.shape(), {dim}, false);
  if (!(target.shape() == expected)) {
    const bool has_class_dim = target.shape() == kept_shape(x.shape(), {dim}, true);
    fail<ValueError>("cross_entropy: an input of shape ", x.shape(), " needs a target of shape ", expected, ", got ", target.shape(),
                     has_class_dim ? cat("; use target.squeeze(", dim, ")") : "; one class for each item");
  }
  visit_floating("cross_entropy", x.dtype(), []<class T>() {});  // throws for other types
  if (!in.has(2)) return;
  const Array& weight = in[2];
  if (!(weight.shape() == Dims{x.size(dim)}))
    fail<RuntimeError>("cross_entropy: weight must have one element for each of ", x.size(dim), " classes, got ", weight.shape());
  if (weight.dtype() != x.dtype())
    fail<RuntimeError>("cross_entropy: expected a weight of the input's type ", x.dtype(), ", got ", weight.dtype());
}

// out = the classes as int64, those that do not count as kIgnoredRow.
void write_classes(const Array& target, std::int64_t classes, std::int64_t ignore_index, const Array& out) {
  copy_elements(out, target);
  auto* const t = out.data<std::int64_t>();
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    if (t[i] == ignore_index)
      t[i] = kIgnoredRow;
    else if (t[i] < 0 || t[i] >= classes)
      fail<IndexError>("cross_entropy: target ", t[i], " is out of bounds for ", classes, " classes (0 to ", classes - 1, ")");
  }
}

// out = the weight of each row: its class's, 1 without weights, 0 where it does not count.
template <class T>
void write_row_weights(const Array& classes, const T* weight, const Array& out) {
  const auto* const t = classes.data<std::int64_t>();
  for (std::int64_t i = 0; i < out.numel(); ++i) out.data<T>()[i] = t[i] == kIgnoredRow ? T(0) : weight ? weight[t[i]] : T(1);
}

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

// dx = (p - onehot(classes)) * scale, with a scale for each row, which is 0 where the row does not count.
class CrossEntropyBackward final : public Gate {
 public:
  const GateKind& kind() const override { return kCrossEntropyBackward; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back(with_classes_last(in[1].shape(), in[1].dtype())); }
  void run(const Inputs& in, const Outputs& out) const override {
    const int dim = class_dim(in[1].shape());
    const Array scale = packed(in[0]), p = arrange_rows(in[1], {dim});
    visit_floating("cross_entropy", p.dtype(), [&]<class T>() {
      cross_entropy_backward<T>(scale.numel(), in[1].size(dim), p.data<T>(), in[2].data<std::int64_t>(), scale.data<T>(),
                                out[0].data<T>());
    });
  }
  Saved saves(unsigned wanted) const override { return {(wanted & 1 ? 6u : 0u) | (wanted & 2 ? 1u : 0u), 0}; }
  void rule(BackwardContext& c) const override {
    const Dims& shape = c.input_shape(1);
    if (c.needs(0)) c.downstream(0, sum(difference(c.input(1), c.input(2)) * c.upstream(), {class_dim(shape)}));
    if (c.needs(1)) c.downstream(1, c.upstream() * reshape(c.input(0), rows_of(shape)));
  }
  Tensors parts(const Tensors& in) const override { return {difference(in[1], in[2]) * reshape(in[0], rows_of(in[1].shape()))}; }

 private:
  static Tensor difference(const Tensor& p, const Tensor& classes) { return p - onehot(classes, classes, p.shape(), p.dtype()); }
};

// -weight[target] * log(softmax(x)[target]) of the inputs x, target and weight, of which the last may be left out. Kept for backward: the
// softmax, the classes as int64, and each row's weight in the result.
class CrossEntropy final : public Gate {
 public:
  CrossEntropy(LossReduction reduction, std::int64_t ignore_index) : reduction_(reduction), ignore_index_(ignore_index) {}
  const GateKind& kind() const override { return kCrossEntropy; }
  void infer(const Inputs& in, Plan& plan) const override {
    check_shapes(in);
    const Dims& rows = in[1].shape();
    plan.push_back({{reduction_ == LossReduction::none ? rows : Dims{}, in[0].dtype()}});
    plan.push_back(with_classes_last(in[0].shape(), in[0].dtype()));
    plan.push_back({{rows, DType::int64}});
    plan.push_back({{rows, in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    const int dim = class_dim(in[0].shape());
    const Array &classes = out[2], &weights = out[3];
    const std::int64_t rows = classes.numel(), n = in[0].size(dim);
    write_classes(in[1], n, ignore_index_, classes);
    const Array x = arrange_rows(in[0], {dim}), weight = in.has(2) ? packed(in[2]) : Array();  // which has no data when it was left out
    const Array losses = reduction_ == LossReduction::none ? out[0] : Array::empty(classes.shape(), x.dtype());
    visit_floating("cross_entropy", x.dtype(), [&]<class T>() {
      write_row_weights(classes, weight.data<T>(), weights);
      cross_entropy_forward<T>(rows, n, x.data<T>(), classes.data<std::int64_t>(), weight.data<T>(), out[1].data<T>(), losses.data<T>());
      if (reduction_ != LossReduction::none) reduce_losses(reduction_, rows, losses.data<T>(), weights.data<T>(), out[0].data<T>());
    });
  }

  Saved saves(unsigned) const override { return {7, 14}; }
  void rule(BackwardContext& c) const override {
    const Tensor x = c.input(0), p = softmax(x, class_dim(x.shape()));
    if (!tracing()) return send_down(c, p);
    c.downstream(0, (p - onehot(c.output(2), c.input(1), x.shape(), x.dtype())) * traced_scale(c));
  }
  // The softmax of the forward pass has the same bits.
  bool run_backward(BackwardContext& c) const override {
    c.input(0);  // throws where it was changed
    send_down(c, c.output(1));
    return true;
  }

  Tensors parts(const Tensors& in) const override {
    const Tensor &x = in[0], &target = in[1];
    const bool all_count = counts_all(target);
    const Tensor classes = all_count ? target : where(is_ignored(target), zeros({}, DType::int64), target);
    const Tensor picked = -scores_at(log_softmax(x, class_dim(x.shape())), classes);
    if (!in[2].defined() && all_count) {
      if (reduction_ == LossReduction::none) return {picked};
      return {reduction_ == LossReduction::sum ? sum(picked) : mean(picked)};
    }
    const Tensor weights = counted_weights(target, in[2], x.dtype()), losses = picked * weights;
    if (reduction_ == LossReduction::none) return {losses};
    return {reduction_ == LossReduction::sum ? sum(losses) : sum(losses) / sum(weights)};
  }

 private:
  static void send_down(BackwardContext& c, const Tensor& p) {
    const Tensor weights = c.output(3);
    c.downstream(0, evaluate(CrossEntropyBackward(), expand(c.upstream(), weights.shape()) * weights, p, c.output(2)));
  }

  Tensor is_ignored(const Tensor& target) const { return target == number(ignore_index_); }
  bool counts_all(const Array& target) const {
    const Array classes = packed(converted(target, DType::int64));
    const auto* const t = classes.data<std::int64_t>();
    return std::find(t, t + classes.numel(), ignore_index_) == t + classes.numel();
  }
  // Each row's weight, 0 where it does not count, from gates' values alone.
  Tensor counted_weights(const Tensor& target, const Tensor& weight, DType dtype) const {
    const Tensor zero = zeros({}, dtype);
    if (!weight.defined()) return where(is_ignored(target), zero, ones({}, dtype));
    if (counts_all(target)) return take(weight, slices_at(0, target, true));
    const Tensor ignored = is_ignored(target);
    return where(ignored, zero, take(weight, slices_at(0, where(ignored, zeros({}, DType::int64), target), true)));
  }
  // dy * weight / divisor for a trace to write, of a shape that broadcasts to x's.
  Tensor traced_scale(const BackwardContext& c) const {
    const Tensor target = c.input(1), weight = c.input(2), &dy = c.upstream();
    const Dims rows = rows_of(c.input_shape(0));
    const bool by_row = reduction_ == LossReduction::none;
    if (!weight.defined() && counts_all(target)) {
      if (by_row) return reshape(dy, rows);
      return reduction_ == LossReduction::sum ? dy : dy / full({}, static_cast<double>(target.numel()), dy.dtype());
    }
    const Tensor weights = counted_weights(target, weight, dy.dtype());
    if (by_row) return reshape(dy * weights, rows);
    return reshape(weights, rows) * (reduction_ == LossReduction::sum ? dy : dy / sum(weights));
  }

  LossReduction reduction_;
  std::int64_t ignore_index_;
};

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, const Tensor& weight, LossReduction reduction, std::int64_t ignore_index) {
  const CrossEntropy gate(reduction, ignore_index);
  const Tensor inputs[] = {x, target, weight};
  Results results;
  compute(gate, {inputs, 3}, results);
  if (records(x)) record(shared(gate), {inputs, 3}, results);  // no gradient flows to the weight
  return std::move(results[0]);
}

}  // namespace gradgate
