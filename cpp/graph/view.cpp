// Views and their nodes.
#include "graph/view.h"

#include <algorithm>

#include "graph/copy.h"
#include "graph/elementwise.h"
#include "graph/node.h"
#include "graph/placement.h"
#include "graph/reduce_arrangement.h"
#include "graph/trace.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

Tensor reshape_as(const Tensor& x, const Dims& shape, const char* name);
Tensor permute_as(const Tensor& x, const Dims& dims, const char* name);

class Reshape final : public Node {
 public:
  Reshape(const Dims& from, const Dims& to, const char* name) : from_(from), to_(to), name_(name) {}
  const char* name() const override { return name_; }
  void backward(Flow& flow) override { flow.downstream(0, reshape(flow.upstream(), from_)); }
  Tensors forward(const Replay& in) const override { return {reshape_as(in[0], to_, name_)}; }
  Text text(const Text* in) const override {
    if (from_ == to_) return in[0];
    Dims shape = to_;
    // Left open, the first size lets a listing run on batches of another size.
    if (!to_.empty() && to_[0] > 1 && to_.product() > 0) shape[0] = -1;
    return reshape_text(in[0], shape);
  }

 private:
  Dims from_, to_;
  const char* name_;
};

class Permute final : public Node {
 public:
  Permute(const Dims& dims, const char* name) : inverse_(dims), name_(name) {
    for (int i = 0; i < dims.size(); ++i) inverse_[static_cast<int>(dims[i])] = i;
  }
  const char* name() const override { return name_; }
  void backward(Flow& flow) override { flow.downstream(0, permute(flow.upstream(), inverse_)); }
  Tensors forward(const Replay& in) const override { return {permute_as(in[0], inverse_order(inverse_), name_)}; }
  Text text(const Text* in) const override {
    const Dims dims = inverse_order(inverse_);
    if (dims == Dims{1, 0}) return transpose(in[0]);
    return method_text(in[0], cat(".transpose(", tuple_text(dims), ")"));
  }

 private:
  Dims inverse_;
  const char* name_;
};

class Expand final : public Node {
 public:
  Expand(const Dims& from, const Dims& to) : from_(from), to_(to) {}
  const char* name() const override { return "ExpandBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, sum_to(flow.upstream(), from_)); }
  Tensors forward(const Replay& in) const override { return {expand(in[0], to_)}; }
  Text text(const Text* in) const override { return called("np.broadcast_to", in[0], Text(tuple_text(to_), Binding::atom)); }

 private:
  Dims from_, to_;
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
      known *= shape[i];
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

// Strides under which x's memory has this shape; false when there are none. Each group of x's dimensions that is walked as one
// must split into whole dimensions of the new shape.
bool strides_for(const Tensor& x, const Dims& shape, Dims& strides) {
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

// x's memory under a shape of as many elements.
Tensor under_shape(const Tensor& x, const Dims& shape, const Dims& strides, const char* name) {
  Tensor out = as_view_of(x, x.alias(shape, strides));
  return records(x) ? record(std::move(out), new Reshape(x.shape(), shape, name), x) : out;
}

Tensor reshape_as(const Tensor& x, const Dims& shape, const char* name) {
  Dims strides;
  if (strides_for(x, shape, strides)) return under_shape(x, shape, strides, name);
  return under_shape(contiguous(x), shape, contiguous_strides(shape), name);
}

Tensor permute_as(const Tensor& x, const Dims& dims, const char* name) {
  Dims shape = dims, strides = dims;
  for (int i = 0; i < dims.size(); ++i) {
    shape[i] = x.size(static_cast<int>(dims[i]));
    strides[i] = x.strides()[static_cast<int>(dims[i])];
  }
  Tensor out = as_view_of(x, x.alias(shape, strides));
  return records(x) ? record(std::move(out), new Permute(dims, name), x) : out;
}

}  // namespace

Tensor view_as(const Tensor& x, Dims shape) {
  shape = complete_shape("view", x, shape);
  Dims strides;
  if (!strides_for(x, shape, strides))
    fail<RuntimeError>("view: size ", shape, " is not compatible with input tensor's size ", x.shape(), " and stride ", x.strides(),
                       "; use .reshape(...) instead");
  return under_shape(x, shape, strides, "ViewBackward");
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
  return permute_as(x, dims, "PermuteBackward");
}

Tensor transpose(const Tensor& x, std::int64_t dim0, std::int64_t dim1) {
  Dims dims;
  for (int i = 0; i < x.ndim(); ++i) dims.push_back(i);
  const int a = wrap_dim(dim0, x.ndim()), b = wrap_dim(dim1, x.ndim());
  if (x.ndim() > 0) std::swap(dims[a], dims[b]);
  return permute_as(x, dims, "TransposeBackward");
}

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
  Tensor out = as_view_of(x, x.alias(shape, strides));
  return records(x) ? record(std::move(out), new Expand(x.shape(), shape), x) : out;
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
  return record_take(std::move(out), x, p, "SliceBackward");
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
  return record_take(std::move(out), x, p, "SelectBackward");
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
  return under_shape(x, shape, strides, "SqueezeBackward");
}

Tensor unsqueeze(const Tensor& x, std::int64_t dim) {
  const int at = wrap_dim(dim, x.ndim() + 1);
  Dims shape = x.shape(), strides = x.strides();
  strides.insert(at, at < x.ndim() ? x.size(at) * x.strides()[at] : 1);
  shape.insert(at, 1);
  return under_shape(x, shape, strides, "UnsqueezeBackward");
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
      known *= part[i];
  }
  if (unknown >= 0 && known > 0) part[unknown] = x.size(at) / known;
  if (x.ndim() == 0 || part.product() != x.size(at))
    fail<RuntimeError>("unflatten: sizes ", sizes, " do not multiply up to the size of dim ", dim, " in a tensor of shape ", x.shape());
  Dims shape;
  for (int i = 0; i < at; ++i) shape.push_back(x.size(i));
  for (std::int64_t size : part) shape.push_back(size);
  for (int i = at + 1; i < x.ndim(); ++i) shape.push_back(x.size(i));
  return view_as(x, shape);
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

// A trace looks through what no gradient flows through.
Tensor detach(const Tensor& x) { return tracing() ? x : x.alias(); }

}  // namespace gradgate
