// The gates of cat, stack and repeat.
#include "graph/shapes/join.h"

#include "array/rearrangement.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/engine/types.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kCat("cat"), kStack("stack"), kRepeat("repeat");

Dims with_size(Dims shape, int dim, std::int64_t size) {
  shape[dim] = size;
  return shape;
}

Dims with_one(Dims shape, int dim) {
  shape.insert(dim, 1);
  return shape;
}

bool is_skipped(const Dims& shape) { return shape.size() == 1 && shape[0] == 0; }

// The first shape that says what the others of cat must be: an empty 1-d one does when all are.
template <class ShapeOf>
const Dims& leading_shape(int count, const ShapeOf& shape_of) {
  for (int i = 0; i < count; ++i)
    if (!is_skipped(shape_of(i))) return shape_of(i);
  return shape_of(0);
}

class Cat final : public Gate {
 public:
  explicit Cat(int dim) : dim_(dim) {}
  const GateKind& kind() const override { return kCat; }
  void infer(const Inputs& in, Plan& plan) const override {
    const Dims& first = leading_shape(in.count, [&](int i) -> const Dims& { return in[i].shape(); });
    std::int64_t total = 0;
    for (int i = 0; i < in.count; ++i) {
      const Dims& shape = in[i].shape();
      if (is_skipped(shape)) continue;
      if (shape.size() != first.size() || !(with_size(shape, dim_, 0) == with_size(first, dim_, 0)))
        fail<RuntimeError>("cat: sizes of tensors must match except in dimension ", dim_, ", got shapes ", first, " and ", shape);
      total = size_sum("cat", total, shape[dim_]);
    }
    plan.push_back({{with_size(first, dim_, total), result_type(in.tensors, in.count)}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    std::int64_t start = 0;
    for (int i = 0; i < in.count; ++i) {
      if (is_skipped(in[i].shape())) continue;
      copy_to_part(in[i], dim_, start, out[0]);
      start += in[i].size(dim_);
    }
  }
  void rule(BackwardContext& c) const override {
    const Tensor& dy = c.upstream();
    std::int64_t start = 0;
    for (int i = 0; i < c.input_count(); ++i) {
      const Dims& shape = c.input_shape(i);
      const bool skipped = is_skipped(shape);
      const std::int64_t end = start + (skipped ? 0 : shape[dim_]);
      if (c.needs(i)) c.downstream(i, cast(skipped ? zeros(shape, dy.dtype()) : slice(dy, dim_, start, end), c.input_dtype(i)));
      start = end;
    }
  }
  Text text(const InputTexts& in) const override {
    const Dims& first = leading_shape(in.count, [&](int i) -> const Dims& { return in.shape(i); });
    Text list("", Binding::atom);
    for (int i = 0; i < in.count; ++i) {
      // NumPy does not join an empty 1-d array to others.
      if (in.ndim(i) < first.size()) continue;
      list = composed(cat(list.code, list.code.empty() ? "" : ", ", in[i].code), Binding::atom, list, in[i]);
    }
    list.code = cat("[", list.code, "]");
    return called("np.concatenate", list, Text(cat("axis=", dim_), Binding::atom));
  }

 private:
  int dim_;
};

class Stack final : public Gate {
 public:
  explicit Stack(int dim) : dim_(dim) {}
  const GateKind& kind() const override { return kStack; }
  void infer(const Inputs& in, Plan& plan) const override {
    Dims shape = in[0].shape();
    for (int i = 0; i < in.count; ++i)
      if (!(in[i].shape() == shape)) fail<RuntimeError>("stack: expects tensors of equal shape, got ", shape, " and ", in[i].shape());
    shape.insert(dim_, in.count);
    plan.push_back({{shape, result_type(in.tensors, in.count)}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    const Dims shape = with_one(in[0].shape(), dim_);
    for (int i = 0; i < in.count; ++i) copy_to_part(in[i].viewed(shape, with_one(in[i].strides(), dim_)), dim_, i, out[0]);
  }
  void rule(BackwardContext& c) const override {
    for (int i = 0; i < c.input_count(); ++i)
      if (c.needs(i)) c.downstream(i, cast(select_index(c.upstream(), dim_, i), c.input_dtype(i)));
  }
  Text text(const InputTexts& in) const override {
    Text list = in[0];
    for (int i = 1; i < in.count; ++i) list = composed(cat(list.code, ", ", in[i].code), Binding::atom, list, in[i]);
    list.code = cat("[", list.code, "]");
    return called("np.stack", list, Text(cat("axis=", dim_), Binding::atom));
  }

 private:
  int dim_;
};

class Repeat final : public Gate {
 public:
  explicit Repeat(const Dims& repeats) : repeats_(repeats) {}
  const GateKind& kind() const override { return kRepeat; }
  void infer(const Inputs& in, Plan& plan) const override {
    const Dims& from = in[0].shape();
    const int added = repeats_.size() - from.size();
    if (added < 0)
      fail<RuntimeError>("repeat: ", repeats_.size(), " repeats ", repeats_, " were given for a tensor of ", from.size(),
                         " dimensions, of shape ", from, "; there must be one for each dimension");
    Dims shape;
    for (int i = 0; i < repeats_.size(); ++i) {
      if (repeats_[i] < 0) fail<RuntimeError>("repeat: negative repeat ", repeats_[i], " in ", repeats_);
      shape.push_back(size_product("repeat", i < added ? 1 : from[i - added], repeats_[i]));
    }
    plan.push_back({{shape, in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override { tile_elements(in[0], out[0]); }
  void rule(BackwardContext& c) const override {
    Tensor dx = c.upstream();
    if (dx.numel() == 0) return c.downstream(0, zeros(c.input_shape(0), dx.dtype()));
    for (int i = 0; i < repeats_.size(); ++i) {
      if (repeats_[i] == 1) continue;
      // Three dimensions stand for all, so that a tensor of the most dimensions can be repeated, too.
      std::int64_t outer = 1;
      for (int d = 0; d < i; ++d) outer *= dx.size(d);
      const Dims remaining = with_size(dx.shape(), i, dx.size(i) / repeats_[i]);
      dx = reshape(sum(reshape(dx, {outer, repeats_[i], -1}), {1}), remaining);
    }
    c.downstream(0, reshape(dx, c.input_shape(0)));
  }
  Text text(const InputTexts& in) const override { return called("np.tile", in[0], Text(tuple_text(repeats_), Binding::atom)); }

 private:
  Dims repeats_;
};

template <class G>
Tensor joined(const G& gate, const Tensors& tensors) {
  Results results;
  evaluate(gate, {tensors.data(), static_cast<int>(tensors.size())}, results);
  return std::move(results[0]);
}

}  // namespace

Tensor concatenate(const Tensors& tensors, std::int64_t dim) {
  if (tensors.empty()) fail<RuntimeError>("cat: expected a non-empty list of tensors");
  for (const Tensor& t : tensors)
    if (t.ndim() == 0) fail<RuntimeError>("cat: zero-dimensional tensors cannot be concatenated; use stack()");
  const auto shape_of = [&](int i) -> const Dims& { return tensors[static_cast<std::size_t>(i)].shape(); };
  return joined(Cat(wrap_dim(dim, leading_shape(static_cast<int>(tensors.size()), shape_of).size())), tensors);
}

Tensor stack(const Tensors& tensors, std::int64_t dim) {
  if (tensors.empty()) fail<RuntimeError>("stack: expected a non-empty list of tensors");
  return joined(Stack(wrap_dim(dim, tensors[0].ndim() + 1)), tensors);
}

Tensor repeat(const Tensor& x, const Dims& repeats) { return evaluate(Repeat(repeats), x); }

}  // namespace gradgate
