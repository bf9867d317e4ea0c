// The joining and splitting gates.
#include "graph/join.h"

#include <algorithm>
#include <numeric>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/reduce.h"
#include "graph/trace.h"
#include "graph/view.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

Dims with_size(Dims shape, int dim, std::int64_t size) {
  shape[dim] = size;
  return shape;
}

// One node for cat and stack: dy is cut into the inputs' parts; stacked parts lose the dimension.
class Join final : public Node {
 public:
  Join(int dim, bool stacked, const std::vector<Tensor>& inputs) : dim_(dim), stacked_(stacked) {
    for (const Tensor& t : inputs) {
      shapes_.push_back(t.shape());
      types_.push_back(t.dtype());
    }
  }
  const char* name() const override { return stacked_ ? "StackBackward" : "CatBackward"; }
  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    std::int64_t start = 0;
    for (int i = 0; i < input_count(); ++i) {
      const auto n = static_cast<std::size_t>(i);
      const bool skipped = !stacked_ && shapes_[n].size() == 1 && shapes_[n][0] == 0;
      const std::int64_t size = stacked_ ? 1 : skipped ? 0 : shapes_[n][dim_];
      if (flow.needs(i)) {
        const Tensor part = stacked_ ? select_index(dy, dim_, start) : slice(dy, dim_, start, start + size);
        flow.downstream(i, cast(skipped ? zeros({0}, dy.dtype()) : part, types_[n]));
      }
      start += size;
    }
  }
  Tensors forward(const Replay& in) const override {
    const Tensors tensors(in.inputs, in.inputs + input_count());
    return {stacked_ ? stack(tensors, dim_) : concatenate(tensors, dim_)};
  }
  Text text(const Text* in) const override {
    Text list("", Binding::atom);
    int ndim = 0;
    for (const Dims& shape : shapes_) ndim = std::max(ndim, shape.size());
    for (int i = 0; i < input_count(); ++i) {
      // NumPy does not join an empty 1-d array to others.
      const auto n = static_cast<std::size_t>(i);
      if (shapes_[n].size() < ndim) continue;
      list = composed(cat(list.code, list.code.empty() ? "" : ", ", in[i].code), Binding::atom, list, in[i]);
    }
    list.code = cat("[", list.code, "]");
    return called(stacked_ ? "np.stack" : "np.concatenate", list, Text(cat("axis=", dim_), Binding::atom));
  }

 private:
  int dim_;
  bool stacked_;
  std::vector<Dims> shapes_;
  std::vector<DType> types_;
};

// One node for split and unbind, with an output for each part.
class Split final : public Node {
 public:
  Split(const Tensor& whole, int dim, std::vector<std::int64_t> sizes, bool unbound)
      : shape_(whole.shape()), dtype_(whole.dtype()), dim_(dim), sizes_(std::move(sizes)), unbound_(unbound) {}
  const char* name() const override { return unbound_ ? "UnbindBackward" : "SplitBackward"; }
  int outputs() const override { return static_cast<int>(sizes_.size()); }
  void backward(Flow& flow) override {
    std::vector<Tensor> parts;
    for (int i = 0; i < outputs(); ++i) {
      const Tensor& dy = flow.upstream(i);
      Dims missing = shape_;
      if (unbound_)
        missing.erase(dim_);
      else
        missing[dim_] = sizes_[static_cast<std::size_t>(i)];
      parts.push_back(dy.defined() ? dy : zeros(missing, dtype_));
    }
    flow.downstream(0, unbound_ ? stack(parts, dim_) : concatenate(parts, dim_));
  }
  Tensors forward(const Replay& in) const override { return unbound_ ? unbind(in[0], dim_) : split(in[0], sizes_, dim_); }
  Text text(const Text* in) const override {
    if (unbound_) return called("np.moveaxis", in[0], Text(std::to_string(dim_), Binding::atom), Text("0", Binding::atom));
    std::string ends;
    std::int64_t end = 0;
    for (std::size_t i = 0; i + 1 < sizes_.size(); ++i) ends += cat(i ? ", " : "", end += sizes_[i]);
    return called("np.split", in[0], Text(cat("[", ends, "]"), Binding::atom), Text(cat("axis=", dim_), Binding::atom));
  }

 private:
  Dims shape_;
  DType dtype_;
  int dim_;
  std::vector<std::int64_t> sizes_;
  bool unbound_;
};

class Repeat final : public Node {
 public:
  Repeat(const Dims& from, const Dims& repeats) : from_(from), repeats_(repeats) {}
  const char* name() const override { return "RepeatBackward"; }
  void backward(Flow& flow) override {
    Tensor dx = flow.upstream();
    if (dx.numel() == 0) return flow.downstream(0, zeros(from_, dx.dtype()));
    for (int i = 0; i < repeats_.size(); ++i) {
      if (repeats_[i] == 1) continue;
      // Three dimensions stand for all, so that a tensor of the most dimensions can be repeated, too.
      std::int64_t outer = 1;
      for (int d = 0; d < i; ++d) outer *= dx.size(d);
      const Dims remaining = with_size(dx.shape(), i, dx.size(i) / repeats_[i]);
      dx = reshape(sum(reshape(dx, {outer, repeats_[i], -1}), {1}), remaining);
    }
    flow.downstream(0, reshape(dx, from_));
  }
  Tensors forward(const Replay& in) const override { return {repeat(in[0], repeats_)}; }
  Text text(const Text* in) const override { return called("np.tile", in[0], Text(tuple_text(repeats_), Binding::atom)); }

 private:
  Dims from_, repeats_;
};

Tensor record_join(Tensor out, int dim, bool stacked, const std::vector<Tensor>& tensors) {
  bool recorded = false;
  for (const Tensor& t : tensors) recorded = recorded || records(t);
  if (!recorded) return out;
  Ref<Node> node(new Join(dim, stacked, tensors));
  for (const Tensor& t : tensors) node->add_input(t);
  return record_gate(std::move(out), std::move(node));
}

std::vector<Tensor> record_split(std::vector<Tensor> parts, Split* split, const Tensor& x) {
  Ref<Node> node(split);
  node->add_input(x);
  for (std::size_t i = 0; i < parts.size(); ++i) record_gate(parts[i], node, static_cast<std::uint32_t>(i));
  return parts;
}

// Writes the tensors one after another along `dim` of out.
void fill_parts(const Tensor& out, int dim, const std::vector<Tensor>& tensors) {
  std::int64_t start = 0;
  for (const Tensor& t : tensors) {
    if (t.ndim() != out.ndim()) continue;
    copy_elements(out.alias(t.shape(), out.strides(), t.numel() ? start * out.strides()[dim] : 0), t);
    start += t.size(dim);
  }
}

bool is_skipped(const Tensor& t) { return t.ndim() == 1 && t.numel() == 0; }

}  // namespace

Tensor concatenate(const std::vector<Tensor>& tensors, std::int64_t dim) {
  if (tensors.empty()) fail<RuntimeError>("cat: expected a non-empty list of tensors");
  const Tensor* first = nullptr;
  for (const Tensor& t : tensors) {
    if (t.ndim() == 0) fail<RuntimeError>("cat: zero-dimensional tensors cannot be concatenated; use stack()");
    if (!first && !is_skipped(t)) first = &t;
  }
  if (!first) first = &tensors[0];
  const int d = wrap_dim(dim, first->ndim());
  std::int64_t total = 0;
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) {
    if (is_skipped(t) && first->ndim() != 1) continue;
    if (t.ndim() != first->ndim() || !(with_size(t.shape(), d, 0) == with_size(first->shape(), d, 0)))
      fail<RuntimeError>("cat: sizes of tensors must match except in dimension ", d, ", got shapes ", first->shape(), " and ", t.shape());
    total = size_sum("cat", total, t.size(d));
    parts.push_back(t);
  }
  Tensor out = Tensor::empty(with_size(first->shape(), d, total), result_type(tensors.data(), static_cast<int>(tensors.size())));
  fill_parts(out, d, parts);
  return record_join(std::move(out), d, false, tensors);
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t dim) {
  if (tensors.empty()) fail<RuntimeError>("stack: expected a non-empty list of tensors");
  const int d = wrap_dim(dim, tensors[0].ndim() + 1);
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) {
    if (!(t.shape() == tensors[0].shape()))
      fail<RuntimeError>("stack: expects tensors of equal shape, got ", tensors[0].shape(), " and ", t.shape());
    Dims shape = t.shape(), strides = t.strides();
    shape.insert(d, 1);
    strides.insert(d, 0);
    parts.push_back(t.alias(shape, strides));
  }
  Dims shape = tensors[0].shape();
  shape.insert(d, static_cast<std::int64_t>(tensors.size()));
  Tensor out = Tensor::empty(shape, result_type(tensors.data(), static_cast<int>(tensors.size())));
  fill_parts(out, d, parts);
  return record_join(std::move(out), d, true, tensors);
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t dim) {
  if (x.ndim() == 0) fail<RuntimeError>("split: a 0-d tensor has no dimension to split");
  const int d = wrap_dim(dim, x.ndim());
  const bool negative = std::any_of(sizes.begin(), sizes.end(), [](std::int64_t s) { return s < 0; });
  const std::int64_t total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  if (negative || total != x.size(d))
    fail<RuntimeError>("split: the sizes must be non-negative and sum exactly to ", x.size(d), ", the size of dimension ", d,
                       " in a tensor of shape ", x.shape(), ", got a sum of ", total);
  std::vector<Tensor> parts;
  std::int64_t start = 0;
  for (std::int64_t size : sizes) {
    parts.push_back(as_view_of(x, x.alias(with_size(x.shape(), d, size), x.strides(), size ? start * x.strides()[d] : 0)));
    start += size;
  }
  return records(x) && !sizes.empty() ? record_split(std::move(parts), new Split(x, d, sizes, false), x) : parts;
}

std::vector<Tensor> unbind(const Tensor& x, std::int64_t dim) {
  if (x.ndim() == 0) fail<RuntimeError>("unbind: a 0-d tensor has no dimension to unbind");
  const int d = wrap_dim(dim, x.ndim());
  Dims shape = x.shape(), strides = x.strides();
  shape.erase(d);
  strides.erase(d);
  std::vector<Tensor> parts;
  for (std::int64_t i = 0; i < x.size(d); ++i)
    parts.push_back(as_view_of(x, x.alias(shape, strides, shape.product() ? i * x.strides()[d] : 0)));
  if (!records(x) || parts.empty()) return parts;
  return record_split(std::move(parts), new Split(x, d, std::vector<std::int64_t>(static_cast<std::size_t>(x.size(d)), 1), true), x);
}

Tensor repeat(const Tensor& x, const Dims& repeats) {
  const int added = repeats.size() - x.ndim();
  if (added < 0)
    fail<RuntimeError>("repeat: ", repeats.size(), " repeats ", repeats, " were given for a tensor of ", x.ndim(), " dimensions, of shape ",
                       x.shape(), "; there must be one for each dimension");
  Dims shape;
  for (int i = 0; i < repeats.size(); ++i) {
    if (repeats[i] < 0) fail<RuntimeError>("repeat: negative repeat ", repeats[i], " in ", repeats);
    shape.push_back(size_product("repeat", i < added ? 1 : x.size(i - added), repeats[i]));
  }
  Tensor out = contiguous(x.alias());
  // Innermost dimension first, so that what the outer ones copy is as long as it can be.
  for (int i = repeats.size() - 1; i >= 0; --i) {
    if (repeats[i] == 1 || shape.product() == 0) continue;
    std::int64_t inner = shape[i] / repeats[i];
    for (int d = i + 1; d < shape.size(); ++d) inner *= shape[d];
    out = contiguous(out.alias({out.numel() / inner, repeats[i], inner}, {inner, 0, 1}));
  }
  out = shape.product() == 0 ? Tensor::empty(shape, x.dtype()) : out.alias(shape, contiguous_strides(shape));
  if (out.storage() == x.storage()) out = clone_unrecorded(out);
  return records(x) ? record(std::move(out), new Repeat(x.shape(), repeats), x) : out;
}

}  // namespace gradgate
