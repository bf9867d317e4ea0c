// What the functions on index tensors mean in positions.
#include "graph/choosing/selection.h"

#include <algorithm>

#include "array/copy.h"
#include "array/counting.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kGather("gather"), kIndexSelect("index_select"), kTake("take"), kEmbedding("embedding"), kScatter("scatter"),
    kScatterAdd("scatter_add"), kIndexCopy("index_copy"), kIndexAdd("index_add"), kIndexFill("index_fill");

void check_index_type(const char* operation, const Tensor& index) {
  if (index.dtype() != DType::int64 && index.dtype() != DType::int32)
    fail<RuntimeError>(operation, ": expected an index of int64 or int32, got ", index.dtype(), "; convert it with .long()");
}

// Element by element: the index's value along dim and the element's own place along the others. An empty index has any shape.
IndexTensors elements_along(const char* operation, const Tensor& x, int dim, const Tensor& index, bool from_end = false) {
  check_index_type(operation, index);
  if (index.numel() > 0 && std::max(index.ndim(), 1) != std::max(x.ndim(), 1))
    fail<RuntimeError>(operation, ": the index of shape ", index.shape(), " must have as many dimensions as the tensor of shape ",
                       x.shape());
  for (int i = 0; index.numel() > 0 && i < x.ndim(); ++i)
    if (i != dim && index.size(i) > x.size(i))
      fail<RuntimeError>(operation, ": size ", index.size(i), " of the index of shape ", index.shape(), " at dimension ", i,
                         " exceeds that of the tensor of shape ", x.shape(), " (any size is allowed at dimension ", dim, " alone)");
  return elements_at(dim, index, from_end);
}

// The index as a vector.
Tensor as_vector(const char* operation, const Tensor& index) {
  check_index_type(operation, index);
  if (index.ndim() > 1) fail<RuntimeError>(operation, ": index must be 1-d, got shape ", index.shape());
  return index.ndim() == 1 ? index : reshape(index, {1});
}

// Whole slices along dim; a 0-d tensor has one.
IndexTensors slices_along(const char* operation, const Tensor& x, int dim, const Tensor& index) {
  const Tensor vector = as_vector(operation, index);
  if (x.ndim() > 0) return slices_at(dim, vector);
  if (index.numel() != 1) fail<RuntimeError>(operation, ": a 0-d tensor takes one index, got ", index.numel());
  return slices_at(dim, index.ndim() == 0 ? index : reshape(index, {}));
}

void check_same_type(const char* operation, const Tensor& x, const Tensor& source) {
  if (source.dtype() != x.dtype() && !source.is_number())
    fail<RuntimeError>(operation, ": expected tensor and source to have the same dtype, got ", x.dtype(), " and ", source.dtype());
}

// The first elements of `source` along every dimension, to a smaller shape.
Tensor corner(const char* operation, Tensor source, const Dims& shape) {
  if (shape.product() == 0) return reshape(slice(reshape(source, {-1}), 0, 0, 0), shape);
  if ((source.ndim() == 0 && shape.size() == 1) || (source.ndim() == 1 && shape.empty()))
    return reshape(corner(operation, reshape(source, {source.numel()}), {shape.product()}), shape);
  bool fits = source.ndim() == shape.size();
  for (int i = 0; fits && i < shape.size(); ++i) fits = shape[i] <= source.size(i);
  if (!fits) fail<RuntimeError>(operation, ": expected index of shape ", shape, " to be no larger than source of shape ", source.shape());
  for (int i = 0; i < shape.size(); ++i)
    if (shape[i] < source.size(i)) source = slice(source, i, 0, shape[i]);
  return source;
}

Assignment slices_assignment(const Put& how, const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  const int along = wrap_dim(dim, x.ndim());
  Assignment a{slices_along(how.operation, x, along, index), source, how};
  check_same_type(how.operation, x, source);
  const Dims expected = a.at.selection(x.shape());
  if (!(source.shape() == expected))
    fail<RuntimeError>(how.operation, ": expected source of shape ", expected, " for a tensor of shape ", x.shape(), " and ", index.numel(),
                       " indices at dimension ", along, ", got ", source.shape());
  return a;
}

class Embedding final : public Gate {
 public:
  explicit Embedding(std::int64_t padding) : padding_(padding) {}
  const GateKind& kind() const override { return kEmbedding; }
  void infer(const Inputs& in, Plan& plan) const override {
    if (in[0].ndim() != 2) fail<RuntimeError>("embedding: 'weight' must be 2-D, got shape ", in[0].shape());
    check_index_type("embedding", in.tensors[1]);
    plan.push_back({{rows(in[1]).selection(in[0].shape()), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override { gather_elements(in[0], rows(in[1]), out[0]); }
  Saved saves(unsigned) const override { return {1u << 1, 0}; }
  void rule(BackwardContext& c) const override {
    const Tensor index = c.input(1);
    Tensor dy = c.upstream();
    if (padding_ >= 0) dy = where(unsqueeze(index == number(padding_), -1), zeros({}, dy.dtype()), dy);
    c.downstream(0, place(dy, c.input_shape(0), slices_at(0, index)));
  }
  Text text(const InputTexts& in) const override { return method_text(in[0], cat("[", in[1].code, "]")); }

 private:
  static Positions rows(const Array& index) {
    static const Indexing how{{{0, 0}}, false};
    return {how, {index}};
  }

  std::int64_t padding_;
};

}  // namespace

Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index) {
  return take(x, elements_along("gather", x, wrap_dim(dim, x.ndim()), index), kGather);
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, std::int64_t dim) {
  const int along = wrap_dim(dim, x.ndim());
  if (index.ndim() != x.ndim())
    fail<RuntimeError>("take_along_dim: input of shape ", x.shape(), " and indices of shape ", index.shape(),
                       " must have the same number of dimensions");
  Dims from = x.shape(), to = index.shape();
  if (x.ndim() > 0) {
    from[along] = to[along] = 1;
    from = to = broadcast_shapes("take_along_dim", from, to);
    from[along] = x.size(along);
    to[along] = index.size(along);
  }
  const Tensor source = expand(x, from);
  return take(source, elements_along("take_along_dim", source, along, expand(index, to), true), kGather);
}

Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index) {
  return take(x, slices_along("index_select", x, wrap_dim(dim, x.ndim()), index), kIndexSelect);
}

Tensor take_elements(const Tensor& x, const Tensor& index) {
  check_index_type("take", index);
  return take(reshape(x, {-1}), slices_at(0, index, true), kTake);
}

Tensor embedding(const Tensor& weight, const Tensor& index, std::int64_t padding_idx) {
  return evaluate(Embedding(padding_idx), weight, index);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, std::optional<std::int64_t> dim, std::optional<std::int64_t> output_size) {
  const int along = dim ? wrap_dim(*dim, x.ndim()) : 0;
  const Tensor from = x.ndim() == 1 || (dim && x.ndim() > 0) ? x : reshape(x, {-1});
  return index_select(from, along, Tensor(repeated_positions(repeats, from.size(along), output_size)));
}

Assignment scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, bool accumulate) {
  const Put how = accumulate ? Put{"scatter_add", kScatterAdd, true} : Put{"scatter", kScatter, false};
  const IndexTensors at = elements_along(how.operation, x, wrap_dim(dim, x.ndim()), index);
  check_same_type(how.operation, x, source);
  return {at, source.is_number() ? source : corner(how.operation, source, index.shape()), how};
}

Assignment index_copy(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  // One element for one index, with or without a dimension.
  const bool is_one = x.ndim() <= 1 && source.ndim() + x.ndim() == 1 && source.numel() == 1 && index.numel() == 1;
  const Tensor slices = is_one ? reshape(source, x.ndim() ? Dims{1} : Dims{}) : source;
  return slices_assignment({"index_copy", kIndexCopy, false}, x, dim, index, slices);
}

Assignment index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, const Tensor& alpha) {
  Assignment a = slices_assignment({"index_add", kIndexAdd, true}, x, dim, index, source);
  if (alpha.numel() != 1) fail<RuntimeError>("index_add: alpha must be a number, got a tensor of shape ", alpha.shape());
  if (*converted(alpha, DType::float64).data<double>() != 1) a.values = source * alpha;
  return a;
}

Assignment index_fill(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& value) {
  if (value.ndim() != 0) fail<RuntimeError>("index_fill: only a number or a 0-d tensor is a value, got shape ", value.shape());
  const IndexTensors at = slices_at(wrap_dim(dim, x.ndim()), as_vector("index_fill", index), true);
  return {at, cast(value, x.dtype()), {"index_fill", kIndexFill, false}};
}

}  // namespace gradgate
