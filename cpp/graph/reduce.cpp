// Sums, means and products: running them and their nodes.
#include "graph/reduce.h"

#include "base/float_environment.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/reduce_arrangement.h"
#include "graph/saved_tensor.h"
#include "graph/scan.h"
#include "graph/trace.h"
#include "graph/view.h"
#include "kernels/reduce_exact.h"

namespace gradgate {
namespace {

// Divides a fresh result.
void divide_by(const Tensor& out, std::int64_t count) {
  FloatEnvironment environment;
  visit_floating("mean", out.dtype(), [&]<class T>() {
    T* const y = out.data<T>();
    for (std::int64_t i = 0; i < out.numel(); ++i) y[i] /= static_cast<T>(count);
  });
}

// The gradient of a result, repeated along the dimensions that were reduced.
Tensor spread_back(const Tensor& dy, const Dims& shape, const Dims& dims) {
  bool leading = true;  // dimensions that broadcasting adds by itself
  for (int i = 0; i < dims.size(); ++i) leading = leading && dims.contains(i);
  return expand(leading ? dy : with_dims(dy, shape, dims), shape);
}

class Sum final : public Node {
 public:
  Sum(const Dims& shape, const Dims& dims, bool keepdim) : shape_(shape), dims_(dims), keepdim_(keepdim) {}
  const char* name() const override { return "SumBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, spread_back(flow.upstream(), shape_, dims_)); }
  Tensors forward(const Replay& in) const override { return {sum(in[0], dims_, keepdim_)}; }
  Text text(const Text* in) const override { return reduce_text(in[0], "sum", dims_, shape_.size(), keepdim_); }

 private:
  Dims shape_, dims_;
  bool keepdim_;
};

class Mean final : public Node {
 public:
  Mean(const Dims& shape, const Dims& dims, bool keepdim) : shape_(shape), dims_(dims), keepdim_(keepdim) {}
  const char* name() const override { return "MeanBackward"; }
  void backward(Flow& flow) override {
    const Tensor dy = flow.upstream() / Tensor(static_cast<double>(reduced_count(shape_, dims_)));
    flow.downstream(0, spread_back(dy, shape_, dims_));
  }
  Tensors forward(const Replay& in) const override { return {mean(in[0], dims_, keepdim_)}; }
  Text text(const Text* in) const override { return reduce_text(in[0], "mean", dims_, shape_.size(), keepdim_); }

 private:
  Dims shape_, dims_;
  bool keepdim_;
};

// dx is dy times the product of the other elements.
class Prod final : public Node {
 public:
  Prod(const Tensor& x, const Tensor& y, const Dims& dims, bool keepdim)
      : x_(SavedTensor::input(x)), y_(SavedTensor::output(y)), dims_(dims), ndim_(x.ndim()), keepdim_(keepdim) {}
  const char* name() const override { return "ProdBackward"; }
  void backward(Flow& flow) override {
    const Tensor x = x_.unpack(*this);
    const Tensor dy = with_dims(flow.upstream(), x.shape(), dims_);
    if (flow.create_graph() || has_zero(x))
      flow.downstream(0, dy * products_of_others(x));
    else
      flow.downstream(0, with_dims(y_.unpack(*this), x.shape(), dims_) * dy / x);
  }
  Tensors forward(const Replay& in) const override { return {prod(in[0], dims_, keepdim_)}; }
  Text text(const Text* in) const override { return reduce_text(in[0], "prod", dims_, ndim_, keepdim_); }

 private:
  void release() override {
    x_.reset();
    y_.reset();
  }
  static bool has_zero(const Tensor& x) {
    const Tensor zero = x == Tensor(0);
    bool any = false;
    reduce_exact(1, zero.numel(), 1, zero.data<bool>(), &any, false, [](bool a, bool b) { return a || b; });
    return any;
  }
  // Right at zeros, and in all its derivatives, as nothing is divided.
  Tensor products_of_others(const Tensor& x) const {
    const Dims order = dims_last(x.ndim(), dims_);
    const Tensor moved = permute(x, order);
    Dims rows = kept_shape(x.shape(), dims_, false);
    const int last = rows.size();
    rows.push_back(reduced_count(x.shape(), dims_));
    const Tensor flat = reshape(moved, rows);
    const Tensor others = products_before(flat, last) * products_after(flat, last);
    return phrase(permute(reshape(others, moved.shape()), inverse_order(order)), [dims = dims_](const Text* in) {
      Text t = called("products_of_others", in[0], Text(tuple_text(dims), Binding::atom));
      t.needs |= kProductsOfOthers;
      return t;
    }, x);
  }

  SavedTensor x_, y_;
  Dims dims_;
  int ndim_;
  bool keepdim_;
};

// Integers and bools, summed or multiplied as int64, which wraps.
Tensor reduce_to_int64(Reduction reduction, const Tensor& x, const Dims& dims, bool keepdim) {
  Tensor out = Tensor::empty(kept_shape(x.shape(), dims, keepdim), DType::int64);
  const Arrangement a = arrange(x, dims);
  auto* const y = out.data<std::uint64_t>();
  visit(x.dtype(), [&]<class T>() {
    const T* const values = a.x.data<T>();
    if (reduction == Reduction::sum)
      reduce_exact(a.outer, a.reduced, a.columns, values, y, std::uint64_t{0},
                   [](std::uint64_t s, T v) { return s + static_cast<std::uint64_t>(static_cast<std::int64_t>(v)); });
    else
      reduce_exact(a.outer, a.reduced, a.columns, values, y, std::uint64_t{1},
                   [](std::uint64_t s, T v) { return s * static_cast<std::uint64_t>(static_cast<std::int64_t>(v)); });
  });
  return out;
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor input = dtype ? cast(x, *dtype) : x;
  const Dims reduced = reduced_dims(input, dims);
  if (!is_floating(input.dtype())) {
    const Tensor out = cast(reduce_to_int64(Reduction::sum, input, reduced, keepdim), dtype.value_or(DType::int64));
    const int ndim = input.ndim();
    return phrase(out, [=](const Text* in) { return reduce_text(in[0], "sum", reduced, ndim, keepdim); }, input);
  }
  Tensor out = reduce_floating("sum", Reduction::sum, input, reduced, keepdim);
  return records(input) ? record(std::move(out), new Sum(input.shape(), reduced, keepdim), input) : out;
}

Tensor prod(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor input = dtype ? cast(x, *dtype) : x;
  const Dims reduced = reduced_dims(input, dims);
  if (!is_floating(input.dtype())) return cast(reduce_to_int64(Reduction::prod, input, reduced, keepdim), dtype.value_or(DType::int64));
  Tensor out = reduce_floating("prod", Reduction::prod, input, reduced, keepdim);
  if (!records(input)) return out;
  auto* node = new Prod(input, out, reduced, keepdim);
  return record(std::move(out), node, input);
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  if (!is_floating(dtype.value_or(x.dtype())))
    fail<RuntimeError>("mean(): could not infer output dtype. ", dtype ? "Optional" : "Input",
                       " dtype must be a floating point dtype. Got: ", dtype.value_or(x.dtype()), "; convert with .float() first");
  const Tensor input = dtype ? cast(x, *dtype) : x;
  const Dims reduced = reduced_dims(input, dims);
  Tensor out = reduce_floating("mean", Reduction::sum, input, reduced, keepdim);
  divide_by(out, reduced_count(input.shape(), reduced));
  return records(input) ? record(std::move(out), new Mean(input.shape(), reduced, keepdim), input) : out;
}

}  // namespace gradgate
