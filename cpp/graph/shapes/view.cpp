// Views and their gates.
#include "graph/shapes/view.h"

#include <algorithm>

#include "array/arrangement.h"
#include "array/copy.h"
#include "graph/engine/texts.h"
#include "graph/shapes/conversion.h"

namespace gradgate {
namespace {

const GateKind kReshape("reshape"), kView("view"), kSqueeze("squeeze"), kUnsqueeze("unsqueeze"), kPermute("permute"),
    kTranspose("transpose"), kSlice("slice"), kSelect("select");

// Strides under which x's memory has this shape; false when there are none. Each group of x's dimensions that is walked as one
// must split into whole dimensions of the new shape.
bool strides_for(const Array& x, const Dims& shape, Dims& strides) {
  strides = contiguous_strides(shape);
  if (x.is_contiguous()) return true;
  int to = shape.size() - 1;
  std::int64_t group = 1, filled = 1;
  int last = x.ndim() - 1;
  for (int from = x.ndim() - 1; from >= 0; --from) {
    group *= x.size(from);
    const bool ends = from == 0 || (x.size(from - 1) != 1 && x.strides()[from - 1] != group * x.strides()[last]);
    if (!ends) continue;
    for (; to >= 0 && (filled < group || shape[to] == 1); --to) {
      strides[to] = filled * x.strides()[last];
      filled *= shape[to];
    }
    if (filled != group) return false;
    group = filled = 1;
    last = from - 1;
  }
  return to < 0;
}

class Reshape final : public Gate {
 public:
  Reshape(const Dims& to, const GateKind& kind) : to_(to), kind_(kind) {}
  const GateKind& kind() const override { return kind_; }
  void infer(const Inputs& in, Plan& plan) const override {
    Planned& y = plan.add();
    y.shape = to_;
    y.dtype = in[0].dtype();
    if (strides_for(in[0], to_, y.strides)) y.view_of = 0;
  }
  void run(const Inputs& in, const Outputs& out) const override {
    copy_elements(out[0].viewed(in[0].shape(), contiguous_strides(in[0].shape())), in[0]);
  }
  void rule(BackwardContext& c) const override { c.downstream(0, reshape(c.upstream(), c.input_shape(0))); }
  Text text(const InputTexts& in) const override {
    if (in.shape() == to_) return in[0];
    Dims shape = to_;
    // Left open, the first size lets a listing run on batches of another size.
    if (!to_.empty() && to_[0] > 1 && to_.product() > 0) shape[0] = -1;
    return reshape_text(in[0], shape);
  }

 private:
  Dims to_;
  const GateKind& kind_;
};

class Permute final : public Gate {
 public:
  Permute(const Dims& dims, const GateKind& kind) : dims_(dims), kind_(kind) {}
  const GateKind& kind() const override { return kind_; }
  void infer(const Inputs& in, Plan& plan) const override {
    Planned& y = plan.add();
    y.dtype = in[0].dtype();
    y.shape = y.strides = dims_;
    for (int i = 0; i < dims_.size(); ++i) {
      y.shape[i] = in[0].size(static_cast<int>(dims_[i]));
      y.strides[i] = in[0].strides()[static_cast<int>(dims_[i])];
    }
    y.view_of = 0;
  }
  void run(const Inputs&, const Outputs&) const override {}
  void rule(BackwardContext& c) const override { c.downstream(0, permute(c.upstream(), inverse_order(dims_))); }
  Text text(const InputTexts& in) const override {
    if (dims_ == Dims{1, 0}) return transpose(in[0]);
    return method_text(in[0], cat(".transpose(", tuple_text(dims_), ")"));
  }

 private:
  Dims dims_;
  const GateKind& kind_;
};

// The shape with its -1 filled in, checked against the number of elements.
Dims complete_shape(const char* operation, const Tensor& x, Dims shape) {
  int unknown = -1;
  std::int64_t known = 1;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (unknown >= 0) fail<RuntimeError>(operation, ": only one dimension can be inferred, got shape ", shape);
      unknown = i;
    } else if (shape[i] < 0) {
      fail<RuntimeError>(operation, ": invalid shape dimension ", shape[i], " in ", shape);
    } else {
      known = size_product(operation, known, shape[i]);
    }
  }
  if (unknown >= 0 && known != 0 && x.numel() % known == 0) {
    shape[unknown] = x.numel() / known;
    return shape;
  }
  if (unknown >= 0 || known != x.numel())
    fail<RuntimeError>(operation, ": shape ", shape, " is invalid for input of shape ", x.shape(), " with ", x.numel(), " elements");
  return shape;
}

// x's memory under a shape of as many elements.
Tensor under_shape(const Tensor& x, const Dims& shape, const Dims& strides, const GateKind& kind) {
  return recorded(as_view_of(x, x.alias(shape, strides)), Reshape(shape, kind), x);
}

}  // namespace

Tensor view_as(const Tensor& x, Dims shape) {
  shape = complete_shape("view", x, shape);
  Dims strides;
  if (!strides_for(x, shape, strides))
    fail<RuntimeError>("view: size ", shape, " is not compatible with input tensor's size ", x.shape(), " and stride ", x.strides(),
                       "; use .reshape(...) instead");
  return under_shape(x, shape, strides, kView);
}

Tensor reshape(const Tensor& x, Dims shape) {
  shape = complete_shape("reshape", x, shape);
  Dims strides;
  return view_as(strides_for(x, shape, strides) ? x : contiguous(x), shape);
}

Tensor permute(const Tensor& x, const Dims& dims) {
  if (dims.size() != x.ndim())
    fail<RuntimeError>("permute: ", dims.size(), " dims ", dims, " were given for a tensor of ", x.ndim(), " dimensions, of shape ",
                       x.shape());
  return evaluate(Permute(dims, kPermute), x);
}

Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
  Dims dims;
  for (int i = 0; i < x.ndim(); ++i) dims.push_back(i);
  const int a = wrap_dim(dim0, x.ndim()), b = wrap_dim(dim1, x.ndim());
  if (x.ndim() > 0) std::swap(dims[a], dims[b]);
  return evaluate(Permute(dims, kTranspose), x);
}

Tensor slice(const Tensor& x, int dim, std::int64_t start, std::int64_t end, std::int64_t step) {
  const std::int64_t count = end > start ? (end - start + step - 1) / step : 0;
  Dims shape = x.shape(), strides = x.strides();
  shape[dim] = count;
  strides[dim] *= step;
  Tensor out = as_view_of(x, x.alias(shape, strides, count ? start * x.strides()[dim] : 0));
  if (!records(x)) return out;
  Placement p{x.shape(), shape, contiguous_strides(x.shape()), 0};
  p.offset = count ? start * p.strides[dim] : 0;
  p.strides[dim] *= step;
  return recorded_part(std::move(out), x, p, kSlice);
}

Tensor select_index(const Tensor& x, int dim, std::int64_t index) {
  Dims shape = x.shape(), strides = x.strides();
  shape.erase(dim);
  strides.erase(dim);
  Tensor out = as_view_of(x, x.alias(shape, strides, index * x.strides()[dim]));
  if (!records(x)) return out;
  Placement p{x.shape(), shape, contiguous_strides(x.shape()), 0};
  p.offset = index * p.strides[dim];
  p.strides.erase(dim);
  return recorded_part(std::move(out), x, p, kSelect);
}

Tensor squeeze(const Tensor& x) {
  Dims all;
  for (int i = 0; i < x.ndim(); ++i) all.push_back(i);
  return squeeze(x, all);
}

Tensor squeeze(const Tensor& x, const Dims& dims) {
  Dims shape, strides;
  for (int i = 0; i < x.ndim(); ++i) {
    if (x.size(i) == 1 && dims.contains(i)) continue;
    shape.push_back(x.size(i));
    strides.push_back(x.strides()[i]);
  }
  return under_shape(x, shape, strides, kSqueeze);
}

Tensor unsqueeze(const Tensor& x, std::int64_t dim) {
  const int at = wrap_dim(dim, x.ndim() + 1);
  Dims shape = x.shape(), strides = x.strides();
  strides.insert(at, at < x.ndim() ? x.size(at) * x.strides()[at] : 1);
  shape.insert(at, 1);
  return under_shape(x, shape, strides, kUnsqueeze);
}

Tensor flatten(const Tensor& x, std::int64_t start, std::int64_t end) {
  const int first = wrap_dim(start, x.ndim()), last = wrap_dim(end, x.ndim());
  if (first > last)
    fail<RuntimeError>("flatten: start_dim ", start, " must not come after end_dim ", end, " in a tensor of shape ", x.shape());
  if (first == last && x.ndim() > 0) return x;
  Dims shape;
  std::int64_t joined = 1;
  for (int i = 0; i < x.ndim(); ++i) {
    if (i >= first && i <= last) joined *= x.size(i);
    if (i == last) shape.push_back(joined);
    if (i < first || i > last) shape.push_back(x.size(i));
  }
  return reshape(x, x.ndim() == 0 ? Dims{1} : shape);
}

Tensor unflatten(const Tensor& x, std::int64_t dim, const Dims& sizes) {
  if (sizes.empty()) fail<RuntimeError>("unflatten: sizes must not be empty");
  const int at = wrap_dim(dim, x.ndim());
  Dims part = sizes;
  int unknown = -1;
  std::int64_t known = 1;
  for (int i = 0; i < part.size(); ++i) {
    if (part[i] == -1 && unknown < 0)
      unknown = i;
    else
      known = size_product("unflatten", known, part[i]);
  }
  if (unknown >= 0 && known > 0) part[unknown] = x.size(at) / known;
  const std::int64_t total = unknown < 0 ? known : size_product("unflatten", known, part[unknown]);
  if (x.ndim() == 0 || (unknown >= 0 && known == 0) || total != x.size(at))
    fail<RuntimeError>("unflatten: sizes ", sizes, " do not multiply up to the size of dim ", dim, " in a tensor of shape ", x.shape());
  Dims shape;
  for (int i = 0; i < at; ++i) shape.push_back(x.size(i));
  for (std::int64_t size : part) shape.push_back(size);
  for (int i = at + 1; i < x.ndim(); ++i) shape.push_back(x.size(i));
  return view_as(x, shape);
}

Tensor with_dims(const Tensor& result, const Dims& shape, const Dims& dims) {
  return result.ndim() == shape.size() ? result : reshape(result, kept_shape(shape, dims, true));
}

Tensor move_dims(const Tensor& x, const Dims& source, const Dims& destination) {
  Dims dims = Dims::filled(x.ndim(), -1);
  for (int i = 0; i < source.size(); ++i) dims[static_cast<int>(destination[i])] = source[i];
  int next = 0;
  for (int i = 0; i < dims.size(); ++i) {
    if (dims[i] >= 0) continue;
    while (source.contains(next)) ++next;
    dims[i] = next++;
  }
  return permute(x, dims);
}

Tensor narrow(const Tensor& x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  if (x.ndim() == 0) fail<RuntimeError>("narrow: a 0-d tensor has no dimension to narrow");
  const int d = wrap_dim(dim, x.ndim());
  const std::int64_t first = start < 0 ? start + x.size(d) : start;
  if (first < 0 || start > x.size(d))
    fail<IndexError>("narrow: start ", start, " is out of range for dimension ", d, " of size ", x.size(d));
  if (length < 0 || first + length > x.size(d))
    fail<RuntimeError>("narrow: start (", start, ") + length (", length, ") exceeds dimension ", d, "'s size (", x.size(d), ")");
  return slice(x, d, first, first + length);
}

}  // namespace gradgate
