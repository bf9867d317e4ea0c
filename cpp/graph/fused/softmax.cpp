// Softmax and its kin on rows, and their gates.
#include "graph/fused/softmax.h"

#include "array/arrangement.h"
#include "array/copy.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/phrase.h"
#include "graph/engine/types.h"
#include "graph/reduce/extreme.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"
#include "kernels/softmax.h"

namespace gradgate {
namespace {

const GateKind kSoftmax("softmax"), kLogSoftmax("log_softmax"), kSoftmaxBackward("softmax_backward"),
    kLogSoftmaxBackward("log_softmax_backward"), kLogsumexp("logsumexp");

enum class Variant { plain, logarithm };

// Calls run(rows, n, to), which writes the elements of `out` with `dim` as the last dimension, row-major.
template <class Run>
void write_rows(const Array& out, int dim, const Run& run) {
  const Array moved = reordered(out, dims_last(out.ndim(), {dim}));
  const Array rows = moved.is_contiguous() ? moved : Array::empty(moved.shape(), moved.dtype());
  run(kept_shape(out.shape(), {dim}, false).product(), reduced_count(out.shape(), {dim}), rows);
  if (!moved.is_contiguous()) copy_elements(moved, rows);
}

// dx = y (dy - sum(dy y)), or dy - exp(y) sum(dy) for the logarithm.
class SoftmaxBackward final : public Gate {
 public:
  SoftmaxBackward(Variant variant, int dim) : variant_(variant), dim_(dim) {}
  const GateKind& kind() const override { return variant_ == Variant::plain ? kSoftmaxBackward : kLogSoftmaxBackward; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{in[1].shape(), in[1].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    const Array dy = arrange_rows(in[0], {dim_}), y = arrange_rows(in[1], {dim_});
    visit_floating("softmax", y.dtype(), [&]<class T>() {
      const auto kernel = variant_ == Variant::plain ? &SoftmaxTable<T>::softmax_backward : &SoftmaxTable<T>::log_softmax_backward;
      write_rows(out[0], dim_, [&](std::int64_t rows, std::int64_t n, const Array& dx) {
        softmax_backward<T>(kernel, rows, n, dy.data<T>(), y.data<T>(), dx.data<T>());
      });
    });
  }
  Saved saves(unsigned wanted) const override { return {wanted & 2 ? 3u : 2u, 0}; }
  void rule(BackwardContext& c) const override {
    const Tensor u = c.upstream(), y = c.input(1);
    const Dims dims{dim_};
    if (variant_ == Variant::plain) {
      if (c.needs(0)) c.downstream(0, of(variant_, dim_, u, y));  // the matrix of local gradients is symmetric
      if (!c.needs(1)) return;
      const Tensor dy = c.input(0);
      c.downstream(1, u * (dy - sum(dy * y, dims, true)) - dy * sum(u * y, dims, true));
    } else {
      const Tensor shares = u * exp(y);
      if (c.needs(0)) c.downstream(0, u - sum(shares, dims, true));
      if (c.needs(1)) c.downstream(1, -shares * sum(c.input(0), dims, true));
    }
  }
  Tensors parts(const Tensors& in) const override { return {composed(variant_, dim_, in[0], in[1])}; }

  static Tensor of(Variant variant, int dim, const Tensor& dy, const Tensor& y) {
    return tracing() ? composed(variant, dim, dy, y) : evaluate(SoftmaxBackward(variant, dim), dy, y);
  }

 private:
  static Tensor composed(Variant variant, int dim, const Tensor& dy, const Tensor& y) {
    return variant == Variant::plain ? y * (dy - sum(dy * y, {dim}, true)) : dy - exp(y) * sum(dy, {dim}, true);
  }

  Variant variant_;
  int dim_;
};

class Softmax final : public Gate {
 public:
  Softmax(Variant variant, int dim) : variant_(variant), dim_(dim) {}
  const GateKind& kind() const override { return variant_ == Variant::plain ? kSoftmax : kLogSoftmax; }
  void infer(const Inputs& in, Plan& plan) const override {
    visit_floating(kind().name(), in[0].dtype(), []<class T>() {});  // throws for other types
    plan.push_back({{in[0].shape(), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    const Array x = arrange_rows(in[0], {dim_});
    visit_floating(kind().name(), x.dtype(), [&]<class T>() {
      const auto kernel = variant_ == Variant::plain ? &SoftmaxTable<T>::softmax : &SoftmaxTable<T>::log_softmax;
      write_rows(out[0], dim_, [&](std::int64_t rows, std::int64_t n, const Array& y) {
        softmax_forward<T>(kernel, rows, n, x.data<T>(), y.data<T>());
      });
    });
  }
  Saved saves(unsigned) const override { return {0, 1}; }
  void rule(BackwardContext& c) const override { c.downstream(0, SoftmaxBackward::of(variant_, dim_, c.upstream(), c.output())); }
  Tensors parts(const Tensors& in) const override { return {composed(variant_, dim_, in[0])}; }

  static Tensor of(Variant variant, int dim, const Tensor& x) {
    return tracing() ? composed(variant, dim, x) : evaluate(Softmax(variant, dim), x);
  }

 private:
  // The largest element is subtracted, whose gradients cancel.
  static Tensor composed(Variant variant, int dim, const Tensor& x) {
    const Dims dims = x.ndim() ? Dims{dim} : Dims{};
    const Tensor shifted = x - extreme_value(Extreme::max, kAmax, x, dims, true);
    const Tensor e = exp(shifted);
    return variant == Variant::plain ? e / sum(e, dims, true) : shifted - log(sum(e, dims, true));
  }

  Variant variant_;
  int dim_;
};

class Logsumexp final : public Gate {
 public:
  Logsumexp(const Dims& dims, bool keepdim) : dims_(dims), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kLogsumexp; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{kept_shape(in[0].shape(), dims_, keepdim_), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    const Array rows = arrange_rows(in[0], dims_);
    visit_floating("logsumexp", rows.dtype(), [&]<class T>() {
      logsumexp_rows<T>(out[0].numel(), reduced_count(in[0].shape(), dims_), rows.data<T>(), out[0].data<T>());
    });
  }
  Saved saves(unsigned) const override { return {1, 1}; }
  void rule(BackwardContext& c) const override {
    const Tensor x = c.input(0), y = with_dims(c.output(), x.shape(), dims_);
    c.downstream(0, with_dims(c.upstream(), x.shape(), dims_) * exp(x - y));
  }
  Tensors parts(const Tensors& in) const override {
    const Tensor& x = in[0];
    const Tensor largest = extreme_value(Extreme::max, kAmax, x, dims_, true);
    const Tensor y = log(sum(exp(x - largest), dims_, true)) + largest;
    return {keepdim_ || x.ndim() == 0 ? y : reshape(y, kept_shape(x.shape(), dims_, false))};
  }

 private:
  Dims dims_;
  bool keepdim_;
};

}  // namespace

Tensor softmax(const Tensor& x, int dim, std::optional<DType> dtype) {
  return Softmax::of(Variant::plain, dim, dtype ? cast(x, *dtype) : x);
}
Tensor log_softmax(const Tensor& x, int dim, std::optional<DType> dtype) {
  return Softmax::of(Variant::logarithm, dim, dtype ? cast(x, *dtype) : x);
}

Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
  const Tensor input = is_floating(x.dtype()) ? x : cast(x, default_dtype());
  return evaluate(Logsumexp(reduced_dims(input.ndim(), dims), keepdim), input);
}

}  // namespace gradgate
