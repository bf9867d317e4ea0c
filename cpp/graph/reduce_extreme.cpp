// Maxima and minima: running them and their nodes.
#include "graph/reduce_extreme.h"

#include <limits>
#include <string>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/pick.h"
#include "graph/reduce.h"
#include "graph/reduce_arrangement.h"
#include "graph/saved_tensor.h"
#include "graph/sort.h"
#include "graph/trace.h"
#include "graph/view.h"
#include "kernels/reduce.h"
#include "kernels/reduce_exact.h"

namespace gradgate {
namespace {

const char* name_of(Extreme which) { return which == Extreme::max ? "max" : "min"; }

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

ValuesAndIndices run_both(Extreme which, const Tensor& x, const Dims& dims, bool keepdim) {
  const Dims shape = kept_shape(x.shape(), dims, keepdim);
  ValuesAndIndices out{Tensor::empty(shape, x.dtype()), Tensor::empty(shape, DType::int64)};
  const Arrangement a = arrange(x, dims);
  visit(x.dtype(), [&]<class T>() {
    run_values(which, a, out.values.data<T>());
    const T *const values = a.x.data<T>(), *const extremes = out.values.data<T>();
    auto* const indices = out.indices.data<std::int64_t>();
    if constexpr (std::is_floating_point_v<T>)
      if (a.columns == 1) return first_of_rows(a.outer, a.reduced, values, extremes, indices);
    first_indices(a.outer, a.reduced, a.columns, values, extremes, indices);
  });
  return out;
}

// Each of the elements that equal the result gets an even share of its gradient.
class Shared final : public Node {
 public:
  Shared(const char* operation, const Tensor& x, const Tensor& y, const Dims& dims, std::optional<Extreme> which, bool keepdim)
      : operation_(operation),
        name_(operation),
        x_(SavedTensor::input(x)),
        y_(SavedTensor::output(y)),
        dims_(dims),
        which_(which),
        ndim_(x.ndim()),
        numel_(x.numel()),
        keepdim_(keepdim) {
    name_[0] = static_cast<char>(name_[0] - 'a' + 'A');
    name_ += "Backward";
  }
  const char* name() const override { return name_.c_str(); }
  void backward(Flow& flow) override {
    const Tensor x = detach(x_.unpack(*this)), y = with_dims(detach(y_.unpack(*this)), x.shape(), dims_);
    const Tensor is_equal = logical(Logic::disjunction, x == y, logical(Logic::conjunction, isnan(x), isnan(y)));
    const Tensor count = cast(sum(is_equal, dims_, true), x.dtype());
    flow.downstream(0, select(is_equal, with_dims(flow.upstream(), x.shape(), dims_) / count, zeros({}, x.dtype())));
  }
  Tensors forward(const Replay& in) const override {
    return {which_ ? extreme_value(*which_, operation_, in[0], dims_, keepdim_) : median(in[0])};
  }
  Text text(const Text* in) const override {
    if (which_) return reduce_text(in[0], name_of(*which_), dims_, ndim_, keepdim_);
    return method_text(called("np.sort", in[0], Text("axis=None", Binding::atom)), cat("[", (numel_ - 1) / 2, "]"));
  }

 private:
  void release() override {
    x_.reset();
    y_.reset();
  }
  const char* operation_;
  std::string name_;
  SavedTensor x_, y_;
  Dims dims_;
  std::optional<Extreme> which_;
  int ndim_;
  std::int64_t numel_;
  bool keepdim_;
};

}  // namespace

Tensor extreme_value(Extreme which, const char* operation, const Tensor& x, const Dims& dims, bool keepdim) {
  if (dims.empty() && x.numel() == 0)
    fail<RuntimeError>(operation, "(): Expected reduction dim to be specified for an empty tensor of shape ", x.shape(),
                       ". Specify the reduction dim with the 'dim' argument.");
  const Dims reduced = reduced_dims(x, dims);
  check_not_empty(operation, x, reduced);
  Tensor out = Tensor::empty(kept_shape(x.shape(), reduced, keepdim), x.dtype());
  const Arrangement a = arrange(x, reduced);
  visit(x.dtype(), [&]<class T>() { run_values(which, a, out.data<T>()); });
  return record_shared(std::move(out), operation, x, reduced, which, keepdim);
}

Tensor record_shared(Tensor values, const char* operation, const Tensor& x, const Dims& dims, std::optional<Extreme> which, bool keepdim) {
  if (!is_floating(x.dtype()) || !records(x)) return values;
  auto* node = new Shared(operation, x, values, dims, which, keepdim);
  return record(std::move(values), node, x);
}

ValuesAndIndices extreme_along(Extreme which, const Tensor& x, int dim, bool keepdim) {
  check_not_empty(name_of(which), x, {dim});
  ValuesAndIndices out = run_both(which, x, {dim}, keepdim);
  out.values = record_pick(std::move(out.values), {which == Extreme::max ? Choice::max : Choice::min, keepdim}, x, dim, out.indices);
  return out;
}

Tensor extreme_index(Extreme which, const Tensor& x, std::optional<int> dim, bool keepdim) {
  const char* const operation = which == Extreme::max ? "argmax" : "argmin";
  if (x.dtype() == DType::boolean) fail<RuntimeError>(operation, "(): does not support bool input; convert with .int() first");
  if (!dim && x.numel() == 0)
    fail<IndexError>(operation, "(): Expected reduction dim to be specified for an empty tensor of shape ", x.shape());
  const Dims reduced = dim ? Dims{*dim} : reduced_dims(x, {});
  check_not_empty(operation, x, reduced);
  return run_both(which, x, reduced, keepdim).indices;
}

}  // namespace gradgate
