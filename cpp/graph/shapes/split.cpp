// The gates of split and unbind, whose outputs are views.
#include "graph/shapes/split.h"

#include <algorithm>
#include <string>

#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/shapes/join.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kSplit("split"), kUnbind("unbind");

// The upstream gradients, zeros where none came back.
Tensors upstream_parts(const BackwardContext& c, int count, DType dtype) {
  Tensors parts;
  for (int i = 0; i < count; ++i) {
    const Tensor& dy = c.upstream(i);
    parts.push_back(dy.defined() ? dy : zeros(c.output_shape(i), dtype));
  }
  return parts;
}

// An output for each part.
class Split final : public Gate {
 public:
  Split(int dim, std::vector<std::int64_t> sizes) : dim_(dim), sizes_(std::move(sizes)) {}
  const GateKind& kind() const override { return kSplit; }
  int outputs() const override { return static_cast<int>(sizes_.size()); }
  void infer(const Inputs& in, Plan& plan) const override {
    const Array& x = in[0];
    std::int64_t total = 0;
    bool negative = false;
    for (std::int64_t size : sizes_) {
      negative = negative || size < 0;
      total = size_sum("split", total, size);
    }
    if (negative || total != x.size(dim_))
      fail<RuntimeError>("split: the sizes must be non-negative and sum exactly to ", x.size(dim_), ", the size of dimension ", dim_,
                         " in a tensor of shape ", x.shape(), ", got a sum of ", total);
    Dims shape = x.shape();
    std::int64_t start = 0;
    for (std::int64_t size : sizes_) {
      shape[dim_] = size;
      plan.push_back({{shape, x.dtype()}, x.strides(), 0, size ? start * x.strides()[dim_] : 0});
      start += size;
    }
  }
  void run(const Inputs&, const Outputs&) const override {}
  void rule(BackwardContext& c) const override { c.downstream(0, concatenate(upstream_parts(c, outputs(), c.input_dtype(0)), dim_)); }
  Text text(const InputTexts& in) const override {
    std::string ends;
    std::int64_t end = 0;
    for (std::size_t i = 0; i + 1 < sizes_.size(); ++i) ends += cat(i ? ", " : "", end += sizes_[i]);
    return called("np.split", in[0], Text(cat("[", ends, "]"), Binding::atom), Text(cat("axis=", dim_), Binding::atom));
  }

 private:
  int dim_;
  std::vector<std::int64_t> sizes_;
};

class Unbind final : public Gate {
 public:
  Unbind(int dim, int count) : dim_(dim), count_(count) {}
  const GateKind& kind() const override { return kUnbind; }
  int outputs() const override { return count_; }
  void infer(const Inputs& in, Plan& plan) const override {
    Dims shape = in[0].shape(), strides = in[0].strides();
    shape.erase(dim_);
    strides.erase(dim_);
    for (int i = 0; i < count_; ++i)
      plan.push_back({{shape, in[0].dtype()}, strides, 0, shape.product() ? i * in[0].strides()[dim_] : 0});
  }
  void run(const Inputs&, const Outputs&) const override {}
  void rule(BackwardContext& c) const override { c.downstream(0, stack(upstream_parts(c, count_, c.input_dtype(0)), dim_)); }
  Text text(const InputTexts& in) const override {
    return called("np.moveaxis", in[0], Text(std::to_string(dim_), Binding::atom), Text("0", Binding::atom));
  }

 private:
  int dim_, count_;
};

template <class G>
Tensors parted(const G& gate, const Tensor& x) {
  Results results;
  evaluate(gate, {&x, 1}, results);
  return Tensors(results.begin(), results.end());
}

// The dimension along which x is to be cut.
int cut_dim(const char* operation, const Tensor& x, std::int64_t dim) {
  if (x.ndim() == 0) fail<RuntimeError>(operation, ": a 0-d tensor has no dimension to cut");
  return wrap_dim(dim, x.ndim());
}

// More pieces than anybody wants, whose views would fill the memory.
constexpr std::int64_t kMostPieces = std::int64_t{1} << 24;

int checked_count(const char* operation, std::int64_t pieces) {
  if (pieces > kMostPieces) fail<RuntimeError>(operation, ": ", pieces, " pieces are more than the ", kMostPieces, " that are supported");
  return static_cast<int>(pieces);
}

}  // namespace

Tensors split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t dim) {
  return parted(Split(cut_dim("split", x, dim), sizes), x);
}

Tensors split(const Tensor& x, std::int64_t size, std::int64_t dim) {
  const std::int64_t total = x.size(cut_dim("split", x, dim));
  if (size < 0 || (size == 0 && total != 0))
    fail<RuntimeError>("split: split_size must be positive, got ", size, " for a dimension of size ", total);
  if (total == 0) return split(x, std::vector<std::int64_t>{0}, dim);
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(checked_count("split", total / size + (total % size != 0))), size);
  if (total % size != 0) sizes.back() = total % size;
  return split(x, sizes, dim);
}

Tensors chunk(const Tensor& x, std::int64_t chunks, std::int64_t dim) {
  if (chunks <= 0) fail<RuntimeError>("chunk: expects chunks to be greater than 0, got ", chunks);
  const std::int64_t total = x.size(cut_dim("chunk", x, dim));
  if (total > 0) return split(x, total / chunks + (total % chunks != 0), dim);
  return split(x, std::vector<std::int64_t>(static_cast<std::size_t>(checked_count("chunk", chunks)), 0), dim);
}

Tensors split_evenly(const Tensor& x, std::int64_t sections, std::int64_t dim) {
  if (sections <= 0) fail<RuntimeError>("tensor_split: the number of sections must be larger than 0, got ", sections);
  const std::int64_t total = x.size(cut_dim("tensor_split", x, dim)), count = checked_count("tensor_split", sections);
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = 0; i < count; ++i) sizes.push_back(total / count + (i < total % count));
  return split(x, sizes, dim);
}

Tensors split_at(const Tensor& x, const std::vector<std::int64_t>& indices, std::int64_t dim) {
  const int d = cut_dim("tensor_split", x, dim);
  const std::int64_t total = x.size(d);
  Tensors parts;
  std::int64_t start = 0;
  for (std::int64_t index : indices) {
    const std::int64_t end = std::clamp<std::int64_t>(index < 0 ? index + total : index, 0, total);
    parts.push_back(slice(x, d, start, std::max(start, end)));
    start = end;
  }
  parts.push_back(slice(x, d, start, total));
  return parts;
}

Tensors unbind(const Tensor& x, std::int64_t dim) {
  const int d = cut_dim("unbind", x, dim);
  return parted(Unbind(d, checked_count("unbind", x.size(d))), x);
}

}  // namespace gradgate
