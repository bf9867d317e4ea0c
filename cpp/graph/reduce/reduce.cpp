// The gates of means and products.
#include "graph/reduce/reduce.h"

#include "array/scan.h"
#include "array/reduction.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/phrase.h"
#include "graph/engine/texts.h"
#include "graph/reduce/scan.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kMean("mean"), kProd("prod");

class Mean final : public Gate {
 public:
  Mean(const Dims& dims, bool keepdim) : dims_(dims), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kMean; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{kept_shape(in[0].shape(), dims_, keepdim_), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    reduce_floating("mean", Reduction::sum, in[0], dims_, out[0]);
    divide_by(out[0], reduced_count(in[0].shape(), dims_));
  }
  void rule(BackwardContext& c) const override {
    const Dims& shape = c.input_shape(0);
    c.downstream(0, spread_back(c.upstream() / Tensor(static_cast<double>(reduced_count(shape, dims_))), shape, dims_));
  }
  Text text(const InputTexts& in) const override { return reduce_text(in[0], "mean", dims_, in.ndim(), keepdim_); }

 private:
  Dims dims_;
  bool keepdim_;
};

// dx is dy times the product of the other elements.
class Prod final : public Gate {
 public:
  Prod(const Dims& dims, bool keepdim) : dims_(dims), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kProd; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{kept_shape(in[0].shape(), dims_, keepdim_), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override { reduce_floating("prod", Reduction::prod, in[0], dims_, out[0]); }
  Saved saves(unsigned) const override { return {1, 1}; }
  void rule(BackwardContext& c) const override {
    const Tensor x = c.input(0);
    c.downstream(0, with_dims(c.upstream(), x.shape(), dims_) * products_of_others(x));
  }
  bool run_backward(BackwardContext& c) const override {
    const Tensor x = c.input(0), others = Tensor::empty(x.shape(), x.dtype());
    gradgate::products_of_others(x, dims_, others);
    c.downstream(0, with_dims(c.upstream(), x.shape(), dims_) * others);
    return true;
  }
  Text text(const InputTexts& in) const override { return reduce_text(in[0], "prod", dims_, in.ndim(), keepdim_); }

 private:
  // Right at zeros, and in all its derivatives, as nothing is divided.
  Tensor products_of_others(const Tensor& x) const {
    const Dims order = dims_last(x.ndim(), dims_);
    const Tensor moved = permute(x, order);
    Dims rows = kept_shape(x.shape(), dims_, false);
    const int last = rows.size();
    rows.push_back(reduced_count(x.shape(), dims_));
    const Tensor flat = reshape(moved, rows);
    const Tensor others = products_before(flat, last) * products_after(flat, last);
    return phrase(permute(reshape(others, moved.shape()), inverse_order(order)), [dims = dims_](const InputTexts& in) {
      Text t = called("products_of_others", in[0], Text(tuple_text(dims), Binding::atom));
      t.needs |= kProductsOfOthers;
      return t;
    }, x);
  }

  Dims dims_;
  bool keepdim_;
};

}  // namespace

Tensor prod(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor input = dtype ? cast(x, *dtype) : x;
  const Dims reduced = reduced_dims(input.ndim(), dims);
  if (is_floating(input.dtype())) return evaluate(Prod(reduced, keepdim), input);
  const Tensor product = Tensor::empty(kept_shape(input.shape(), reduced, keepdim), DType::int64);
  reduce_to_int64(Reduction::prod, input, reduced, product);
  return cast(product, dtype.value_or(DType::int64));
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  if (!is_floating(dtype.value_or(x.dtype())))
    fail<RuntimeError>("mean(): could not infer output dtype. ", dtype ? "Optional" : "Input",
                       " dtype must be a floating point dtype. Got: ", dtype.value_or(x.dtype()), "; convert with .float() first");
  const Tensor input = dtype ? cast(x, *dtype) : x;
  return evaluate(Mean(reduced_dims(input.ndim(), dims), keepdim), input);
}

}  // namespace gradgate
