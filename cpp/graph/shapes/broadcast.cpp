// The gates of expanding and summing.
#include "graph/shapes/broadcast.h"

#include <algorithm>

#include "array/copy.h"
#include "array/reduction.h"
#include "graph/engine/phrase.h"
#include "graph/engine/texts.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kExpand("expand"), kSum("sum");

class Expand final : public Gate {
 public:
  explicit Expand(const Dims& to) : to_(to) {}
  const GateKind& kind() const override { return kExpand; }
  void infer(const Inputs& in, Plan& plan) const override {
    Planned& y = plan.add();
    y.shape = to_;
    y.dtype = in[0].dtype();
    y.strides = operand<const std::byte>(in[0], to_).strides;
    y.view_of = 0;
  }
  void run(const Inputs&, const Outputs&) const override {}
  void rule(BackwardContext& c) const override { c.downstream(0, sum_to(c.upstream(), c.input_shape(0))); }
  Text text(const InputTexts& in) const override { return called("np.broadcast_to", in[0], Text(tuple_text(to_), Binding::atom)); }

 private:
  Dims to_;
};

class Sum final : public Gate {
 public:
  Sum(const Dims& dims, bool keepdim) : dims_(dims), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kSum; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{kept_shape(in[0].shape(), dims_, keepdim_), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override { reduce_floating("sum", Reduction::sum, in[0], dims_, out[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, spread_back(c.upstream(), c.input_shape(0), dims_)); }
  Text text(const InputTexts& in) const override { return reduce_text(in[0], "sum", dims_, in.ndim(), keepdim_); }

 private:
  Dims dims_;
  bool keepdim_;
};

}  // namespace

Tensor expand(const Tensor& x, Dims shape) {
  const int added = shape.size() - x.ndim();
  if (added < 0)
    fail<RuntimeError>("expand: the requested shape ", shape, " has fewer dimensions than the tensor of shape ", x.shape());
  Dims strides = shape;
  for (int i = 0; i < shape.size(); ++i) {
    const std::int64_t size = i < added ? 1 : x.size(i - added);
    if (shape[i] == -1 && i >= added) shape[i] = size;
    if (shape[i] < 0 || (size != 1 && shape[i] != size))
      fail<RuntimeError>("expand: the expanded size ", shape[i], " must match the existing size ", size, " at dimension ", i,
                         "; target shape ", shape, ", tensor shape ", x.shape());
    strides[i] = i < added || size != shape[i] ? 0 : x.strides()[i - added];
  }
  if (shape == x.shape()) return x;
  std::int64_t elements = 1;
  for (std::int64_t size : shape) elements = size_product("expand", elements, std::max<std::int64_t>(size, 1));
  return recorded(as_view_of(x, x.alias(shape, strides)), Expand(shape), x);
}

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor input = dtype ? cast(x, *dtype) : x;
  const Dims reduced = reduced_dims(input.ndim(), dims);
  if (is_floating(input.dtype())) return evaluate(Sum(reduced, keepdim), input);
  const Tensor total = Tensor::empty(kept_shape(input.shape(), reduced, keepdim), DType::int64);
  reduce_to_int64(Reduction::sum, input, reduced, total);
  return phrase(cast(total, dtype.value_or(DType::int64)),
                [=](const InputTexts& in) { return reduce_text(in[0], "sum", reduced, in.ndim(), keepdim); }, input);
}

Tensor sum_to(const Tensor& dx, const Dims& shape) {
  if (dx.shape() == shape) return dx;
  const int added = dx.ndim() - shape.size();
  Dims summed;
  for (int i = 0; i < dx.ndim(); ++i)
    if (i < added || (shape[i - added] == 1 && dx.size(i) != 1)) summed.push_back(i);
  const Tensor total = sum(dx, summed, summed.size() > added);
  return total.shape() == shape ? total : view_as(total, shape);
}

Tensor spread_back(const Tensor& dy, const Dims& shape, const Dims& dims) {
  bool leading = true;  // dimensions that broadcasting adds by itself
  for (int i = 0; i < dims.size(); ++i) leading = leading && dims.contains(i);
  return expand(leading ? dy : with_dims(dy, shape, dims), shape);
}

}  // namespace gradgate
