// Diagonals as placements, and the gate of triangles.
#include "graph/diagonal.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/placement.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

std::int64_t diagonal_length(std::int64_t rows, std::int64_t columns, std::int64_t offset) {
  return std::max<std::int64_t>(offset < 0 ? std::min(rows + offset, columns) : std::min(rows, columns - offset), 0);
}

Tensor triangle(const Tensor& x, std::int64_t offset, bool lower);

class Triangle final : public Node {
 public:
  Triangle(std::int64_t offset, bool lower) : offset_(offset), lower_(lower) {}
  const char* name() const override { return lower_ ? "TrilBackward" : "TriuBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, triangle(flow.upstream(), offset_, lower_)); }
  Tensors forward(const Replay& in) const override { return {triangle(in[0], offset_, lower_)}; }
  Text text(const Text* in) const override { return called(lower_ ? "np.tril" : "np.triu", in[0], Text(cat(offset_), Binding::atom)); }

 private:
  std::int64_t offset_;
  bool lower_;
};

Tensor triangle(const Tensor& x, std::int64_t offset, bool lower) {
  if (x.ndim() < 2) fail<RuntimeError>(lower ? "tril" : "triu", ": input tensor must have at least 2 dimensions, got shape ", x.shape());
  const std::int64_t rows = x.size(x.ndim() - 2), columns = x.size(x.ndim() - 1), item = item_size(x.dtype());
  const Tensor from = contiguous(x.alias());
  Tensor out = zeros(x.shape(), x.dtype());
  const std::int64_t total = columns ? x.numel() / columns : 0;
  for (std::int64_t row = 0; row < total; ++row) {
    const std::int64_t border = std::clamp<std::int64_t>(row % rows + offset + (lower ? 1 : 0), 0, columns);
    const std::int64_t begin = lower ? 0 : border, end = lower ? border : columns;
    const std::int64_t at = (row * columns + begin) * item;
    if (end > begin) std::memcpy(out.bytes() + at, from.bytes() + at, static_cast<std::size_t>((end - begin) * item));
  }
  return records(x) ? record(std::move(out), new Triangle(offset, lower), x) : out;
}

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
  return records(x) ? record_take(std::move(out), x, p, "DiagonalBackward") : out;
}

Tensor diag(const Tensor& x, std::int64_t offset) {
  if (x.ndim() == 2) return clone(diagonal(x, offset, 0, 1));
  if (x.ndim() != 1) fail<RuntimeError>("diag: supports 1-d and 2-d tensors, got shape ", x.shape());
  const std::int64_t size = x.size(0) + std::abs(offset);
  return place(x, {{size, size}, x.shape(), {size + 1}, x.size(0) == 0 ? 0 : offset < 0 ? -offset * size : offset});
}

Tensor tril(const Tensor& x, std::int64_t offset) { return triangle(x, offset, true); }
Tensor triu(const Tensor& x, std::int64_t offset) { return triangle(x, offset, false); }

}  // namespace gradgate
