// Runs softmax and its kin on rows, and records their gates.
#include "graph/softmax.h"

#include "graph/copy.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/reduce.h"
#include "graph/reduce_arrangement.h"
#include "graph/reduce_extreme.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"
#include "graph/view.h"
#include "kernels/softmax.h"

namespace gradgate {
namespace {

enum class Form { plain, logarithm };

struct Rows {
  std::int64_t rows, n;
  Rows(const Tensor& x, int dim) : rows(1), n(x.ndim() ? x.size(dim) : 1) {
    for (int i = 0; i < x.ndim(); ++i)
      if (i != dim) rows *= x.size(i);
  }
};

// Calls run(rows, out), out having x's dimensions with `dim` moved last; the result has them back in order.
template <class Run>
Tensor along_rows(const Tensor& x, int dim, const Run& run) {
  const Tensor out = Tensor::empty(reordered(x, dims_last(x.ndim(), {dim})).shape(), x.dtype());
  run(Rows(x, dim), out);
  return dims_back(out, {dim});
}

Tensor run_forward(Form form, const Tensor& x, int dim) {
  return visit_floating(form == Form::plain ? "softmax" : "log_softmax", x.dtype(), [&]<class T>() {
    const auto kernel = form == Form::plain ? &SoftmaxTable<T>::softmax : &SoftmaxTable<T>::log_softmax;
    const Tensor from = arrange_rows(x, {dim});
    return along_rows(x, dim,
                      [&](const Rows& r, const Tensor& out) { softmax_forward<T>(kernel, r.rows, r.n, from.data<T>(), out.data<T>()); });
  });
}

Tensor run_backward(Form form, const Tensor& dy, const Tensor& y, int dim) {
  return visit_floating("softmax", y.dtype(), [&]<class T>() {
    const auto kernel = form == Form::plain ? &SoftmaxTable<T>::softmax_backward : &SoftmaxTable<T>::log_softmax_backward;
    const Tensor d = arrange_rows(dy, {dim}), from = arrange_rows(y, {dim});
    return along_rows(y, dim, [&](const Rows& r, const Tensor& out) {
      softmax_backward<T>(kernel, r.rows, r.n, d.data<T>(), from.data<T>(), out.data<T>());
    });
  });
}

// Out of smaller gates. The largest element is subtracted, whose gradients cancel.
Tensor composed_of_parts(Form form, const Tensor& x, int dim) {
  const Dims dims = x.ndim() ? Dims{dim} : Dims{};
  const Tensor shifted = x - extreme_value(Extreme::max, "amax", x, dims, true);
  const Tensor e = exp(shifted);
  return form == Form::plain ? e / sum(e, dims, true) : shifted - log(sum(e, dims, true));
}

Tensor make(Form form, const Tensor& x, int dim, std::optional<DType> dtype);

class Softmax final : public Node {
 public:
  Softmax(Form form, const Tensor& y, int dim) : form_(form), y_(SavedTensor::output(y)), dim_(dim) {}
  const char* name() const override { return form_ == Form::plain ? "SoftmaxBackward" : "LogSoftmaxBackward"; }
  void backward(Flow& flow) override {
    const Tensor y = y_.unpack(*this);
    const Tensor& dy = flow.upstream();
    if (!flow.create_graph())
      flow.downstream(0, run_backward(form_, dy, y, dim_));
    else if (form_ == Form::plain)
      flow.downstream(0, y * (dy - sum(dy * y, {dim_}, true)));
    else
      flow.downstream(0, dy - exp(y) * sum(dy, {dim_}, true));
  }
  Tensors forward(const Replay& in) const override { return {make(form_, in[0], dim_, {})}; }
  Tensors parts(const Replay& in) const override { return {composed_of_parts(form_, in[0], dim_)}; }

 private:
  void release() override { y_.reset(); }
  Form form_;
  SavedTensor y_;
  int dim_;
};

Tensor make(Form form, const Tensor& x, int dim, std::optional<DType> dtype) {
  const Tensor input = dtype ? cast(x, *dtype) : x;
  if (tracing()) return composed_of_parts(form, input, dim);
  Tensor out = run_forward(form, input, dim);
  if (!records(input)) return out;
  auto* node = new Softmax(form, out, dim);
  return record(std::move(out), node, input);
}

class Logsumexp final : public Node {
 public:
  Logsumexp(const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim)
      : x_(SavedTensor::input(x)), y_(SavedTensor::output(y)), dims_(dims), keepdim_(keepdim) {}
  const char* name() const override { return "LogsumexpBackward"; }
  void backward(Flow& flow) override {
    const Tensor x = x_.unpack(*this), y = with_dims(y_.unpack(*this), x.shape(), dims_);
    flow.downstream(0, with_dims(flow.upstream(), x.shape(), dims_) * exp(x - y));
  }
  Tensors forward(const Replay& in) const override { return {logsumexp(in[0], dims_, keepdim_)}; }
  Tensors parts(const Replay& in) const override {
    const Tensor& x = in[0];
    const Tensor largest = extreme_value(Extreme::max, "amax", x, dims_, true);
    const Tensor y = log(sum(exp(x - largest), dims_, true)) + largest;
    return {keepdim_ || x.ndim() == 0 ? y : reshape(y, kept_shape(x.shape(), dims_, false))};
  }

 private:
  void release() override {
    x_.reset();
    y_.reset();
  }
  SavedTensor x_, y_;
  Dims dims_;
  bool keepdim_;
};

}  // namespace

Tensor softmax(const Tensor& x, int dim, std::optional<DType> dtype) { return make(Form::plain, x, dim, dtype); }
Tensor log_softmax(const Tensor& x, int dim, std::optional<DType> dtype) { return make(Form::logarithm, x, dim, dtype); }

Tensor logsumexp(const Tensor& x, const Dims& dims, bool keepdim) {
  const Tensor input = is_floating(x.dtype()) ? x : cast(x, default_dtype());
  const Dims reduced = reduced_dims(input, dims);
  Tensor out = Tensor::empty(kept_shape(input.shape(), reduced, keepdim), input.dtype());
  const Tensor rows = arrange_rows(input, reduced);
  visit_floating("logsumexp", input.dtype(), [&]<class T>() {
    logsumexp_rows<T>(out.numel(), reduced_count(input.shape(), reduced), rows.data<T>(), out.data<T>());
  });
  if (!records(input)) return out;
  auto* node = new Logsumexp(input, out, reduced, keepdim);
  return record(std::move(out), node, input);
}

}  // namespace gradgate
