// The gates of sort, topk and median.
#include "graph/choosing/sort.h"

#include <limits>
#include <optional>
#include <string>

#include "array/arrangement.h"
#include "array/copy.h"
#include "array/sort.h"
#include "graph/engine/creation.h"
#include "graph/engine/texts.h"

namespace gradgate {
namespace {

const GateKind kSort("sort"), kTopk("topk"), kMedian("median");

// x[:, part], the part standing at the dimension.
Text part_along(const Text& x, int dim, const std::string& part) {
  std::string before;
  for (int i = 0; i < dim; ++i) before += ":, ";
  return method_text(x, cat("[", before, part, "]"));
}

Text sorted_text(const Text& x, int dim, bool descending) {
  const Text sorted = called("np.sort", descending ? -x : x, Text(cat("axis=", dim), Binding::atom));
  return descending ? -sorted : sorted;
}
Text argsort_text(const Text& x, int dim, bool descending) {
  return called("np.argsort", descending ? -x : x, Text(cat("axis=", dim, ", kind='stable'"), Binding::atom));
}

// The first elements along a dimension in an order: all of them, or k.
class InOrder final : public Gate {
 public:
  InOrder(const GateKind& kind, int dim, bool descending, std::optional<std::int64_t> k)
      : kind_(kind), dim_(dim), descending_(descending), k_(k) {}
  const GateKind& kind() const override { return kind_; }
  void infer(const Inputs& in, Plan& plan) const override {
    Dims shape = in[0].shape();
    const std::int64_t n = shape.empty() ? 1 : shape[dim_];
    if (k_ && (*k_ < 0 || *k_ > n))
      fail<RuntimeError>("topk: selected index k out of range: k = ", *k_, " of ", n, " elements along dim ", dim_, " of shape ", shape);
    if (k_ && !shape.empty()) shape[dim_] = *k_;
    plan.push_back({{shape, in[0].dtype()}});
    plan.push_back({{shape, DType::int64}});
  }
  void run(const Inputs& in, const Outputs& out) const override { sort_along(in[0], dim_, descending_, out[0], out[1]); }
  Saved saves(unsigned) const override { return kSavedIndices; }
  void rule(BackwardContext& c) const override {
    send_to_picked(c, dim_, [*this](const InputTexts& in) {
      return in.ndim() ? first(argsort_text(in[0], dim_, descending_)) : Text(0);
    });
  }
  Text text(const InputTexts& in) const override {
    return in.ndim() ? first(sorted_text(in[0], dim_, descending_)) : in[0];
  }

 private:
  Text first(const Text& ordered) const { return k_ ? part_along(ordered, dim_, cat(":", *k_)) : ordered; }

  const GateKind& kind_;
  int dim_;
  bool descending_;
  std::optional<std::int64_t> k_;
};

class Median final : public Gate {
 public:
  Median(int dim, bool keepdim) : dim_(dim), keepdim_(keepdim) {}
  const GateKind& kind() const override { return kMedian; }
  void infer(const Inputs& in, Plan& plan) const override {
    check_not_empty("median", in[0], {dim_});
    const Dims shape = kept_shape(in[0].shape(), {dim_}, keepdim_);
    plan.push_back({{shape, in[0].dtype()}});
    plan.push_back({{shape, DType::int64}});
  }
  void run(const Inputs& in, const Outputs& out) const override { median_along(in[0], dim_, out[0], out[1]); }
  Saved saves(unsigned) const override { return kSavedIndices; }
  void rule(BackwardContext& c) const override {
    send_to_picked(c, dim_, [*this](const InputTexts& in) {
      return in.ndim() ? middle(argsort_text(in[0], dim_, false), in.shape(), true) : Text(0);
    });
  }
  Text text(const InputTexts& in) const override {
    return in.ndim() ? middle(sorted_text(in[0], dim_, false), in.shape(), keepdim_) : in[0];
  }

 private:
  Text middle(const Text& sorted, const Dims& shape, bool keepdim) const {
    const std::int64_t at = (shape[dim_] - 1) / 2;
    return part_along(sorted, dim_, keepdim ? cat(at, ":", at + 1) : cat(at));
  }

  int dim_;
  bool keepdim_;
};

class MedianOfAll final : public Gate {
 public:
  const GateKind& kind() const override { return kMedian; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{{}, in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    const Array all = packed(in[0]).viewed({in[0].numel()}, {1}), index = Array::empty({}, DType::int64);
    median_along(all, 0, out[0], index);
  }
  Saved saves(unsigned) const override { return {1, 1}; }
  void rule(BackwardContext& c) const override { share_among_equal(c, reduced_dims(c.input_shape(0).size(), {})); }
  Text text(const InputTexts& in) const override {
    return method_text(called("np.sort", in[0], Text("axis=None", Binding::atom)), cat("[", (in.shape().product() - 1) / 2, "]"));
  }
};

}  // namespace

ValuesAndIndices sort(const Tensor& x, int dim, bool descending) { return choose_along(InOrder(kSort, dim, descending, {}), x); }

ValuesAndIndices topk(const Tensor& x, std::int64_t k, int dim, bool largest) { return choose_along(InOrder(kTopk, dim, largest, k), x); }

ValuesAndIndices median(const Tensor& x, int dim, bool keepdim) { return choose_along(Median(dim, keepdim), x); }

Tensor median(const Tensor& x) {
  if (x.numel() == 0) return full({}, std::numeric_limits<double>::quiet_NaN(), x.dtype());
  return evaluate(MedianOfAll(), x);
}

}  // namespace gradgate
