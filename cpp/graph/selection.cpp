// What the functions on index tensors mean in positions.
#include "graph/selection.h"

#include <algorithm>

#include "graph/compare.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"
#include "graph/view.h"

namespace gradgate {
namespace {

void check_index_type(const char* operation, const Tensor& index) {
  if (index.dtype() != DType::int64 && index.dtype() != DType::int32)
    fail<RuntimeError>(operation, ": expected an index of int64 or int32, got ", index.dtype(), "; convert it with .long()");
}

// The dimension, of a tensor that has at least one.
int checked_dim(const char* operation, const Tensor& x, std::int64_t dim) {
  if (x.ndim() == 0) fail<RuntimeError>(operation, ": needs a tensor of at least one dimension; reshape the 0-d tensor to (1,)");
  return wrap_dim(dim, x.ndim());
}

// 0, 1, ..., of as many dimensions as the index, along one of them.
Tensor own_positions(const Dims& index_shape, int dim) {
  const Tensor positions = Tensor::empty({index_shape[dim]}, DType::int64);
  for (std::int64_t i = 0; i < positions.numel(); ++i) positions.data<std::int64_t>()[i] = i;
  Dims shape = Dims::filled(index_shape.size(), 1);
  shape[dim] = index_shape[dim];
  return positions.alias(shape, contiguous_strides(shape));
}

// Element by element: the index's value along dim and the element's own place along the others.
Positions positions_along(const char* operation, const Tensor& x, int dim, const Tensor& index) {
  check_index_type(operation, index);
  if (index.ndim() != x.ndim())
    fail<RuntimeError>(operation, ": the index of shape ", index.shape(), " must have as many dimensions as the tensor of shape ",
                       x.shape());
  Positions at;
  at.from_end = false;
  for (int i = 0; i < x.ndim(); ++i) {
    if (i != dim && index.size(i) > x.size(i))
      fail<RuntimeError>(operation, ": size ", index.size(i), " of the index of shape ", index.shape(), " at dimension ", i,
                         " exceeds that of the tensor of shape ", x.shape(), " (any size is allowed at dimension ", dim, " alone)");
    at.dims.push_back({i, i, i == dim ? index : own_positions(index.shape(), i), i != dim});
  }
  return at;
}

// Whole slices along dim.
Positions slices_along(const char* operation, const Tensor& x, int dim, const Tensor& index) {
  check_index_type(operation, index);
  if (index.ndim() > 1) fail<RuntimeError>(operation, ": index must be 1-d, got shape ", index.shape());
  if (x.ndim() == 0) fail<RuntimeError>(operation, ": needs a tensor of at least one dimension");
  Positions at;
  at.from_end = false;
  at.dims.push_back({dim, dim, reshape(index, {index.numel()})});
  return at;
}

void check_same_type(const char* operation, const Tensor& x, const Tensor& source) {
  if (source.dtype() != x.dtype() && !source.is_number())
    fail<RuntimeError>(operation, ": expected tensor and source to have the same dtype, got ", x.dtype(), " and ", source.dtype());
}

// The first elements of `source` along every dimension, to a smaller shape.
Tensor corner(const char* operation, Tensor source, const Dims& shape) {
  bool fits = source.ndim() == shape.size();
  for (int i = 0; fits && i < shape.size(); ++i) fits = shape[i] <= source.size(i);
  if (!fits) fail<RuntimeError>(operation, ": expected index of shape ", shape, " to be no larger than source of shape ", source.shape());
  for (int i = 0; i < shape.size(); ++i)
    if (shape[i] < source.size(i)) source = slice(source, i, 0, shape[i]);
  return source;
}

Assignment slices_assignment(const Put& how, const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  const int along = checked_dim(how.operation, x, dim);
  Assignment a{slices_along(how.operation, x, along, index), source, how};
  check_same_type(how.operation, x, source);
  const Dims expected = a.at.selection(x.shape());
  if (!(source.shape() == expected))
    fail<RuntimeError>(how.operation, ": expected source of shape ", expected, " for a tensor of shape ", x.shape(), " and ", index.numel(),
                       " indices at dimension ", along, ", got ", source.shape());
  return a;
}

class Embedding final : public Node {
 public:
  Embedding(const Tensor& weight, const Tensor& index, std::int64_t padding)
      : shape_(weight.shape()), index_(SavedTensor::input(index)), padding_(padding) {}
  const char* name() const override { return "EmbeddingBackward"; }

  void backward(Flow& flow) override {
    const Tensor index = index_.unpack(*this);
    Tensor dy = flow.upstream();
    if (padding_ >= 0) dy = where(unsqueeze(index == number(padding_), -1), zeros({}, dy.dtype()), dy);
    flow.downstream(0, place(dy, shape_, {{{0, 0, index}}, false}));
  }
  Tensors forward(const Replay& in) const override { return {embedding(in[0], in[1], padding_)}; }
  Text text(const Text* in) const override { return method_text(in[0], cat("[", in[1].code, "]")); }

 private:
  void release() override { index_.reset(); }
  Dims shape_;
  SavedTensor index_;
  std::int64_t padding_;
};

}  // namespace

Tensor gather(const Tensor& x, std::int64_t dim, const Tensor& index) {
  const int along = checked_dim("gather", x, dim);
  return take(x, positions_along("gather", x, along, index), "GatherBackward");
}

Tensor take_along_dim(const Tensor& x, const Tensor& index, std::int64_t dim) {
  const int along = checked_dim("take_along_dim", x, dim);
  if (index.ndim() != x.ndim())
    fail<RuntimeError>("take_along_dim: input of shape ", x.shape(), " and indices of shape ", index.shape(),
                       " must have the same number of dimensions");
  Dims others = x.shape(), index_shape = index.shape();
  others[along] = index_shape[along] = 1;
  Dims from = broadcast_shapes("take_along_dim", others, index_shape), to = from;
  from[along] = x.size(along);
  to[along] = index.size(along);
  const Tensor source = expand(x, from);
  Positions at = positions_along("take_along_dim", source, along, expand(index, to));
  at.from_end = true;
  return take(source, at, "GatherBackward");
}

Tensor index_select(const Tensor& x, std::int64_t dim, const Tensor& index) {
  const int along = checked_dim("index_select", x, dim);
  return take(x, slices_along("index_select", x, along, index), "IndexSelectBackward");
}

Tensor take_elements(const Tensor& x, const Tensor& index) {
  check_index_type("take", index);
  return take(reshape(x, {-1}), {{{0, 0, index}}, true}, "TakeBackward");
}

Tensor embedding(const Tensor& weight, const Tensor& index, std::int64_t padding_idx) {
  check_index_type("embedding", index);
  if (weight.ndim() != 2) fail<RuntimeError>("embedding: 'weight' must be 2-D, got shape ", weight.shape());
  Tensor out = take(detach(weight), {{{0, 0, index}}, false});
  return records(weight) ? record(std::move(out), new Embedding(weight, index, padding_idx), weight, index) : out;
}

Assignment scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, bool accumulate) {
  const Put how = accumulate ? Put{"scatter_add", "ScatterAddBackward", true} : Put{"scatter", "ScatterBackward", false};
  const int along = checked_dim(how.operation, x, dim);
  const Positions at = positions_along(how.operation, x, along, index);
  check_same_type(how.operation, x, source);
  return {at, source.is_number() ? source : corner(how.operation, source, index.shape()), how};
}

Assignment index_copy(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  return slices_assignment({"index_copy", "IndexCopyBackward", false}, x, dim, index, source);
}

Assignment index_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, const Tensor& alpha) {
  Assignment a = slices_assignment({"index_add", "IndexAddBackward", true}, x, dim, index, source);
  if (*cast(alpha, DType::float64).data<double>() != 1) a.values = source * alpha;
  return a;
}

Assignment index_fill(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& value) {
  const Put how{"index_fill", "IndexFillBackward", false};
  if (value.ndim() != 0) fail<RuntimeError>("index_fill: only a number or a 0-d tensor is a value, got shape ", value.shape());
  Positions at = slices_along("index_fill", x, checked_dim("index_fill", x, dim), index);
  at.from_end = true;
  return {at, cast(value, x.dtype()), how};
}

Tensor one_hot(const Tensor& index, std::int64_t classes) {
  if (index.dtype() != DType::int64 && index.dtype() != DType::int32)
    fail<RuntimeError>("one_hot: expected class values of int64 or int32, got ", index.dtype(), "; convert them with .long()");
  if (index.numel() == 0 && classes <= 0) fail<RuntimeError>("one_hot: can not infer total number of classes from an empty tensor");
  const Tensor values = contiguous(cast(index, DType::int64));
  const std::int64_t* const first = values.data<std::int64_t>();
  const auto [low, high] = std::minmax_element(first, first + values.numel());
  if (values.numel() > 0 && *low < 0) fail<RuntimeError>("one_hot: class values must be non-negative, got ", *low);
  const std::int64_t count = classes == -1 ? *high + 1 : classes;
  if (values.numel() > 0 && *high >= count)
    fail<RuntimeError>("one_hot: class values must be smaller than num_classes (", count, "), got ", *high);
  Dims shape = index.shape();
  shape.push_back(count);
  Tensor out = zeros(shape, DType::int64);
  for (std::int64_t i = 0; i < values.numel(); ++i) out.data<std::int64_t>()[i * count + first[i]] = 1;
  return out;
}

}  // namespace gradgate
