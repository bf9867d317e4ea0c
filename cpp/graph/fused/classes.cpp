// Gathers scores by class, and marks classes.
#include "graph/fused/classes.h"

#include <cstring>
#include <string>

#include "array/arrangement.h"
#include "array/copy.h"
#include "array/positions.h"
#include "graph/engine/creation.h"
#include "graph/engine/phrase.h"
#include "graph/engine/texts.h"

namespace gradgate {
namespace {

const GateKind kGather("gather"), kPlace("place");

// A value for each row, or a class, with the scores' dimension of classes.
Array with_class_dim(const Array& rows) {
  const int dim = rows.ndim() ? 1 : 0;
  Dims shape = rows.shape(), strides = rows.strides();
  shape.insert(dim, 1);
  strides.insert(dim, 1);
  return rows.viewed(shape, strides);
}

// Where the scores of the classes lie. The positions refer to the indexing.
Indexing along_classes(const Dims& shape) { return {{{class_dim(shape), class_dim(shape)}}, false, true}; }
Positions positions_of(const Array& classes, const Indexing& how) { return {how, {with_class_dim(converted(classes, DType::int64))}}; }

// As an index in NumPy, "np.arange(3), y".
std::string index_text(const Text& classes, const Dims& shape) {
  std::string terms;
  for (int i = 0; i < shape.size(); ++i) {
    Dims along = Dims::filled(shape.size() - 1, 1);
    if (i != class_dim(shape)) along[i ? i - 1 : 0] = shape[i];
    const Text range = called("np.arange", Text(std::to_string(shape[i]), Binding::atom));
    const Text& term = i == class_dim(shape) ? classes : along.size() == 1 ? range : reshape_text(range, along);
    terms += cat(i ? ", " : "", term.code);
  }
  return terms;
}

// The values at each row's class, zeros elsewhere.
Tensor placed_at(const Tensor& values, const Tensor& classes, const Dims& shape);

class ScoresAt final : public Gate {
 public:
  const GateKind& kind() const override { return kGather; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{in[1].shape(), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    const Indexing how = along_classes(in[0].shape());
    gather_elements(in[0], positions_of(in[1], how), with_class_dim(out[0]));
  }
  Saved saves(unsigned) const override { return {2, 0}; }
  void rule(BackwardContext& c) const override { c.downstream(0, placed_at(c.upstream(), c.input(1), c.input_shape(0))); }
  Text text(const InputTexts& in) const override { return method_text(in[0], cat("[", index_text(in[1], in.shape(0)), "]")); }
};

class PlacedAt final : public Gate {
 public:
  explicit PlacedAt(const Dims& shape) : shape_(shape) {}
  const GateKind& kind() const override { return kPlace; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{shape_, in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    const Indexing how = along_classes(shape_);
    std::memset(out[0].bytes(), 0, static_cast<std::size_t>(out[0].numel() * item_size(out[0].dtype())));
    scatter_elements(out[0], positions_of(in[1], how), with_class_dim(in[0]), true);
  }
  Saved saves(unsigned) const override { return {2, 0}; }
  void rule(BackwardContext& c) const override { c.downstream(0, scores_at(c.upstream(), c.input(1))); }
  Text text(const InputTexts& in) const override { return added_text(zeros_text(shape_), index_text(in[1], shape_), in[0]); }

 private:
  Dims shape_;
};

Tensor placed_at(const Tensor& values, const Tensor& classes, const Dims& shape) { return evaluate(PlacedAt(shape), values, classes); }

}  // namespace

int class_dim(const Dims& shape) { return shape.size() > 1 ? 1 : 0; }
Dims rows_of(const Dims& shape) { return kept_shape(shape, {class_dim(shape)}, true); }

Planned with_classes_last(const Dims& shape, DType dtype) {
  const Dims order = dims_last(shape.size(), {class_dim(shape)});
  Dims moved = shape, strides = shape;
  for (int i = 0; i < order.size(); ++i) moved[i] = shape[static_cast<int>(order[i])];
  const Dims steps = contiguous_strides(moved);
  for (int i = 0; i < order.size(); ++i) strides[static_cast<int>(order[i])] = steps[i];
  return {{shape, dtype}, strides};
}

Tensor scores_at(const Tensor& scores, const Tensor& classes) { return evaluate(ScoresAt(), scores, classes); }

Tensor onehot(const Array& classes, const Tensor& target, const Dims& shape, DType dtype) {
  const int dim = class_dim(shape);
  const Tensor out = zeros(shape, dtype).alias(shape, with_classes_last(shape, dtype).strides);
  visit_floating("onehot", dtype, [&]<class T>() {
    const auto* const t = classes.data<std::int64_t>();
    for (std::int64_t i = 0; i < classes.numel(); ++i)
      if (t[i] >= 0) out.data<T>()[i * shape[dim] + t[i]] = T(1);
  });
  Dims along = Dims::filled(shape.size(), 1);
  along[dim] = shape[dim];
  return phrase(out, [dim, along](const InputTexts& in) {
    const Text all = called("np.arange", Text(std::to_string(along[dim]), Binding::atom));
    if (along.size() < 3) return method_text(in[0], dim ? "[:, None]" : "[None]") == all;
    return called("np.expand_dims", in[0], Text(std::to_string(dim), Binding::atom)) == reshape_text(all, along);
  }, target);
}

}  // namespace gradgate
