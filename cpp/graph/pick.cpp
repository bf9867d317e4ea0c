// Picking and spreading, each the other's gradient.
#include "graph/pick.h"

#include <string>

#include "base/float_environment.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/reduce_extreme.h"
#include "graph/sort.h"
#include "graph/trace.h"
#include "graph/view.h"

namespace gradgate {
namespace {

class Pick final : public Node {
 public:
  Pick(Choice choice, int dim, const Tensor& index, const Dims& shape)
      : choice_(choice), dim_(dim), index_(index), shape_(shape) {}
  const char* name() const override {
    static constexpr const char* names[] = {"PickBackward", "MaxBackward",  "MinBackward",
                                            "SortBackward", "TopkBackward", "MedianBackward"};
    return names[choice_.kind];
  }
  void backward(Flow& flow) override {
    const Tensor dy = reshape(flow.upstream(), index_.shape());
    flow.downstream(0, shape_.empty() ? reshape(dy, {}) : spread(dy, dim_, index(), shape_[dim_]));
  }
  Tensors forward(const Replay& in) const override {
    const Tensor& x = in[0];
    switch (choice_.kind) {
      case Choice::max: return {extreme_along(Extreme::max, x, dim_, choice_.keepdim).values};
      case Choice::min: return {extreme_along(Extreme::min, x, dim_, choice_.keepdim).values};
      case Choice::sort: return {sort(x, dim_, choice_.descending).values};
      case Choice::topk: return {topk(x, count(), dim_, choice_.descending).values};
      case Choice::median: return {median(x, dim_, choice_.keepdim).values};
      default: return {pick(x, dim_, in[1])};
    }
  }
  Text text(const Text* in) const override {
    if (shape_.empty()) return in[0];
    const Text axis(cat("axis=", dim_), Binding::atom);
    switch (choice_.kind) {
      case Choice::max: return reduce_text(in[0], "max", {dim_}, shape_.size(), choice_.keepdim);
      case Choice::min: return reduce_text(in[0], "min", {dim_}, shape_.size(), choice_.keepdim);
      case Choice::given: return called("np.take_along_axis", in[0], in[1], axis);
      default: return part(choice_.descending ? -called("np.sort", -in[0], axis) : called("np.sort", in[0], axis), choice_.keepdim);
    }
  }

 private:
  std::int64_t count() const { return shape_.empty() ? 1 : index_.shape()[dim_]; }
  // What topk and median take of sorted elements.
  Text part(const Text& sorted, bool keepdim) const {
    std::string before;
    for (int i = 0; i < dim_; ++i) before += ":, ";
    const std::int64_t middle = (shape_[dim_] - 1) / 2;
    if (choice_.kind == Choice::topk) return method_text(sorted, cat("[", before, ":", count(), "]"));
    if (choice_.kind != Choice::median) return sorted;
    return method_text(sorted, cat("[", before, middle, keepdim ? cat(":", middle + 1) : "", "]"));
  }
  // A trace says how the index is found.
  Tensor index() const {
    if (choice_.kind == Choice::given || !tracing()) return index_;
    const auto words = [this](const Text* in) {
      const Text axis(cat("axis=", dim_), Binding::atom);
      if (choice_.kind == Choice::max || choice_.kind == Choice::min)
        return method_text(in[0], cat(choice_.kind == Choice::max ? ".argmax(" : ".argmin(", axis.code, ", keepdims=True)"));
      const Text stable("kind='stable'", Binding::atom);
      return part(called("np.argsort", choice_.descending ? -in[0] : in[0], axis, stable), true);
    };
    return phrase(index_, words, input_value(0));
  }

  Choice choice_;
  int dim_;
  Tensor index_;
  Dims shape_;
};

class Spread final : public Node {
 public:
  Spread(int dim, const Tensor& index, const Dims& shape) : dim_(dim), index_(index), shape_(shape) {}
  const char* name() const override { return "SpreadBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, pick(flow.upstream(), dim_, index_)); }
  Tensors forward(const Replay& in) const override { return {spread(in[0], dim_, in[1], shape_[dim_])}; }
  Text text(const Text* in) const override {
    std::string index;
    for (int i = 0; i < shape_.size(); ++i) {
      Dims along = Dims::filled(shape_.size(), 1);
      along[i] = shape_[i];
      const Text places = called("np.arange", Text(std::to_string(shape_[i]), Binding::atom));
      index += cat(i ? ", " : "", (i == dim_ ? in[1] : shape_.size() > 1 ? reshape_text(places, along) : places).code);
    }
    return added_text(zeros_text(shape_), index, in[0]);
  }

 private:
  int dim_;
  Tensor index_;
  Dims shape_;
};

// The sizes before and behind a dimension.
struct Around {
  std::int64_t outer = 1, inner = 1;
  Around(const Dims& shape, int dim) {
    for (int i = 0; i < shape.size(); ++i)
      if (i != dim) (i < dim ? outer : inner) *= shape[i];
  }
};

// Calls f(i, j) for every element i of the small tensor, whose index along the dimension says its place j in the large one.
template <class F>
void each_place(const Dims& small, int dim, std::int64_t size, const std::int64_t* index, const F& f) {
  const Around a(small, dim);
  const std::int64_t n = small[dim];
  for (std::int64_t o = 0, i = 0; o < a.outer; ++o)
    for (std::int64_t k = 0; k < n; ++k)
      for (std::int64_t j = 0; j < a.inner; ++j, ++i) f(i, (o * size + index[i]) * a.inner + j);
}

}  // namespace

Tensor pick(const Tensor& x, int dim, const Tensor& index) {
  const Tensor from = contiguous(detach(x)), places = contiguous(index);
  Tensor out = Tensor::empty(index.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const T* const values = from.data<T>();
    T* const y = out.data<T>();
    each_place(index.shape(), dim, x.size(dim), places.data<std::int64_t>(), [=](std::int64_t i, std::int64_t j) { y[i] = values[j]; });
  });
  return record_pick(std::move(out), {Choice::given}, x, dim, index);
}

Tensor spread(const Tensor& x, int dim, const Tensor& index, std::int64_t size) {
  FloatEnvironment environment;
  const Tensor from = contiguous(detach(x)), places = contiguous(index);
  Dims shape = x.shape();
  shape[dim] = size;
  Tensor out = zeros(shape, x.dtype());
  visit_floating("spread", x.dtype(), [&]<class T>() {
    const T* const values = from.data<T>();
    T* const y = out.data<T>();
    each_place(x.shape(), dim, size, places.data<std::int64_t>(), [=](std::int64_t i, std::int64_t j) { y[j] += values[i]; });
  });
  return records(x) ? record(std::move(out), new Spread(dim, index, shape), x, index) : out;
}

Tensor record_pick(Tensor values, Choice choice, const Tensor& x, int dim, const Tensor& index) {
  if (!is_floating(x.dtype()) || !records(x)) return values;
  Dims shape = index.shape();
  if (index.ndim() < x.ndim()) shape.insert(dim, 1);
  auto* node = new Pick(choice, dim, reshape(index, shape), x.shape());
  return choice.kind == Choice::given ? record(std::move(values), node, x, index) : record(std::move(values), node, x);
}

}  // namespace gradgate
