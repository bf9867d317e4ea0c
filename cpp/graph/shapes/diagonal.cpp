// Diagonals as placements, and the gate of triangles.
#include "graph/shapes/diagonal.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "array/rearrangement.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/shapes/conversion.h"

namespace gradgate {
namespace {

const GateKind kDiagonal("diagonal"), kTril("tril"), kTriu("triu");

std::int64_t diagonal_length(std::int64_t rows, std::int64_t columns, std::int64_t offset) {
  return std::max<std::int64_t>(offset < 0 ? std::min(rows + offset, columns) : std::min(rows, columns - offset), 0);
}

class Triangle final : public Gate {
 public:
  Triangle(std::int64_t offset, bool lower) : offset_(offset), lower_(lower) {}
  const GateKind& kind() const override { return lower_ ? kTril : kTriu; }
  void infer(const Inputs& in, Plan& plan) const override {
    if (in[0].ndim() < 2) fail<RuntimeError>(kind().name(), ": input tensor must have at least 2 dimensions, got shape ", in[0].shape());
    plan.push_back({{in[0].shape(), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override { (lower_ ? keep_lower : keep_upper)(in[0], offset_, out[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, evaluate(*this, c.upstream())); }
  Text text(const InputTexts& in) const override {
    return called(cat("np.", kind().name()), in[0], Text(cat(offset_), Binding::atom));
  }

 private:
  std::int64_t offset_;
  bool lower_;
};

}  // namespace

Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
  const int i = wrap_dim(dim1, x.ndim()), j = wrap_dim(dim2, x.ndim());
  if (x.ndim() < 2 || i == j)
    fail<RuntimeError>("diagonal: dim1 and dim2 must be two dimensions of the tensor of shape ", x.shape(), ", got ", dim1, " and ", dim2);
  const Dims row_major = contiguous_strides(x.shape());
  const std::int64_t length = diagonal_length(x.size(i), x.size(j), offset);
  // Reaches a dimension's element on the diagonal's start.
  const auto start = [&](const Dims& strides) { return length == 0 ? 0 : std::abs(offset) * strides[offset < 0 ? i : j]; };
  Placement p{x.shape(), x.shape(), row_major, start(row_major)};
  Dims strides = x.strides();
  for (Dims* list : {&p.part, &p.strides, &strides}) {
    list->erase(std::max(i, j));
    list->erase(std::min(i, j));
  }
  p.part.push_back(length);
  p.strides.push_back(row_major[i] + row_major[j]);
  strides.push_back(x.strides()[i] + x.strides()[j]);
  Tensor out = as_view_of(x, x.alias(p.part, strides, start(x.strides())));
  return records(x) ? recorded_part(std::move(out), x, p, kDiagonal) : out;
}

Tensor diag(const Tensor& x, std::int64_t offset) {
  if (x.ndim() == 2) return clone(diagonal(x, offset, 0, 1));
  if (x.ndim() != 1) fail<RuntimeError>("diag: supports 1-d and 2-d tensors, got shape ", x.shape());
  if (offset == std::numeric_limits<std::int64_t>::min()) fail<RuntimeError>("diag: an offset of ", offset, " is too large");
  const std::int64_t size = size_sum("diag", x.size(0), std::abs(offset));
  size_product("diag", size, size);
  return place_part(x, {{size, size}, x.shape(), {size + 1}, x.size(0) == 0 ? 0 : offset < 0 ? -offset * size : offset});
}

Tensor tril(const Tensor& x, std::int64_t offset) { return evaluate(Triangle(offset, true), x); }
Tensor triu(const Tensor& x, std::int64_t offset) { return evaluate(Triangle(offset, false), x); }

}  // namespace gradgate
