// Maxima and minima: running them, and their gates.
#include "graph/reduce/extreme.h"

#include <limits>

#include "array/arrangement.h"
#include "graph/engine/texts.h"
#include "kernels/reduce.h"
#include "kernels/reduce_exact.h"

namespace gradgate {

const GateKind kMax("max"), kMin("min"), kAmax("amax"), kAmin("amin");

namespace {

const GateKind& kind_of(Extreme which) { return which == Extreme::max ? kMax : kMin; }

// y = the extremes of a, of its type.
template <class T>
void run_values(Extreme which, const Arrangement& a, T* y) {
  const T* const x = a.x.data<T>();
  if constexpr (std::is_floating_point_v<T>) {
    const Reduction reduction = which == Extreme::max ? Reduction::max : Reduction::min;
    if (a.columns == 1)
      reduce_rows(reduction, a.outer, a.reduced, x, y);
    else
      reduce_columns(reduction, a.outer, a.reduced, a.columns, x, y);
  } else if (which == Extreme::max) {
    reduce_exact(a.outer, a.reduced, a.columns, x, y, std::numeric_limits<T>::min(), [](T u, T v) { return u > v ? u : v; });
  } else {
    reduce_exact(a.outer, a.reduced, a.columns, x, y, std::numeric_limits<T>::max(), [](T u, T v) { return u < v ? u : v; });
  }
}

void run_both(Extreme which, const Array& x, const Dims& dims, const Array& values, const Array& indices) {
  const Arrangement a = arrange(x, dims);
  visit(x.dtype(), [&]<class T>() {
    run_values(which, a, values.data<T>());
    const T *const elements = a.x.data<T>(), *const extremes = values.data<T>();
    auto* const found = indices.data<std::int64_t>();
    if constexpr (std::is_floating_point_v<T>)
      if (a.columns == 1) return first_of_rows(a.outer, a.reduced, elements, extremes, found);
    first_indices(a.outer, a.reduced, a.columns, elements, extremes, found);
  });
}

class ExtremeValue final : public Gate {
 public:
  ExtremeValue(Extreme which, const GateKind& kind, const Dims& dims, bool keepdim)
      : which_(which), kind_(kind), dims_(dims), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kind_; }
  void infer(const Inputs& in, Plan& plan) const override {
    check_not_empty(kind_.name(), in[0], dims_);
    plan.push_back({{kept_shape(in[0].shape(), dims_, keepdim_), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    const Arrangement a = arrange(in[0], dims_);
    visit(in[0].dtype(), [&]<class T>() { run_values(which_, a, out[0].data<T>()); });
  }
  Saved saves(unsigned) const override { return {1, 1}; }
  void rule(BackwardContext& c) const override { share_among_equal(c, dims_); }
  Text text(const InputTexts& in) const override { return reduce_text(in[0], kind_of(which_).name(), dims_, in.ndim(), keepdim_); }

 private:
  Extreme which_;
  const GateKind& kind_;
  Dims dims_;
  bool keepdim_;
};

// The values and, off the graph, their positions.
class ExtremeAlong final : public Gate {
 public:
  ExtremeAlong(Extreme which, int dim, bool keepdim) : which_(which), dim_(dim), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kind_of(which_); }
  void infer(const Inputs& in, Plan& plan) const override {
    check_not_empty(kind().name(), in[0], {dim_});
    const Dims shape = kept_shape(in[0].shape(), {dim_}, keepdim_);
    plan.push_back({{shape, in[0].dtype()}});
    plan.push_back({{shape, DType::int64}});
  }
  void run(const Inputs& in, const Outputs& out) const override { run_both(which_, in[0], {dim_}, out[0], out[1]); }
  Saved saves(unsigned) const override { return kSavedIndices; }
  void rule(BackwardContext& c) const override {
    send_to_picked(c, dim_, [which = which_, dim = dim_](const InputTexts& in) {
      return method_text(in[0], cat(which == Extreme::max ? ".argmax(" : ".argmin(", "axis=", dim, ", keepdims=True)"));
    });
  }
  Text text(const InputTexts& in) const override {
    return in.ndim() == 0 ? in[0] : reduce_text(in[0], kind().name(), {dim_}, in.ndim(), keepdim_);
  }

 private:
  Extreme which_;
  int dim_;
  bool keepdim_;
};

}  // namespace

Tensor extreme_value(Extreme which, const GateKind& kind, const Tensor& x, const Dims& dims, bool keepdim) {
  if (dims.empty() && x.numel() == 0)
    fail<RuntimeError>(kind.name(), "(): Expected reduction dim to be specified for an empty tensor of shape ", x.shape(),
                       ". Specify the reduction dim with the 'dim' argument.");
  return evaluate(ExtremeValue(which, kind, reduced_dims(x.ndim(), dims), keepdim), x);
}

ValuesAndIndices extreme_along(Extreme which, const Tensor& x, int dim, bool keepdim) {
  return choose_along(ExtremeAlong(which, dim, keepdim), x);
}

Tensor extreme_index(Extreme which, const Tensor& x, std::optional<int> dim, bool keepdim) {
  const char* const operation = which == Extreme::max ? "argmax" : "argmin";
  if (x.dtype() == DType::boolean) fail<RuntimeError>(operation, "(): does not support bool input; convert with .int() first");
  if (!dim && x.numel() == 0)
    fail<IndexError>(operation, "(): Expected reduction dim to be specified for an empty tensor of shape ", x.shape());
  const Dims reduced = dim ? Dims{*dim} : reduced_dims(x.ndim(), {});
  check_not_empty(operation, x, reduced);
  const Dims shape = kept_shape(x.shape(), reduced, keepdim);
  Tensor indices = Tensor::empty(shape, DType::int64);
  run_both(which, x, reduced, Array::empty(shape, x.dtype()), indices);
  return indices;
}

}  // namespace gradgate
