// Reads index expressions: their basic terms become one view, their tensors are applied to it.
#include "graph/index.h"

#include <algorithm>

#include "graph/copy.h"
#include "graph/node.h"
#include "graph/placement.h"
#include "graph/view.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

using Kind = IndexTerm::Kind;

// How many of x's dimensions a term uses up.
int dims_used(const IndexTerm& term) {
  if (term.kind == Kind::tensor) return term.tensor.dtype() == DType::boolean ? term.tensor.ndim() : 1;
  return term.kind == Kind::integer || term.kind == Kind::slice ? 1 : 0;
}

// The view that the basic terms describe, as it grows: strides count elements of x's memory, places those of a row-major x.
struct BasicView {
  explicit BasicView(const Tensor& x) : x(x), places{x.shape(), {}, {}, 0}, row_major(contiguous_strides(x.shape())) {}

  const Tensor& x;
  Placement places;
  Dims row_major, strides;
  std::int64_t offset = 0;
  int dim = 0;           // of x, that the next term meets
  bool slices = false;

  void keep(std::int64_t start, std::int64_t count, std::int64_t step) {
    places.part.push_back(count);
    places.strides.push_back(row_major[dim] * step);
    strides.push_back(x.strides()[dim] * step);
    slices = slices || count != x.size(dim);
    move(count ? start : 0);
  }
  void take(std::int64_t index) { move(wrap_index(index, dim, x.size(dim))); }
  void add_axis() {
    places.part.push_back(1);
    places.strides.push_back(0);
    strides.push_back(0);
  }
  void keep_all() { keep(0, x.size(dim), 1); }

  Tensor result() const {
    Tensor out = as_view_of(x, x.alias(places.part, strides, offset));
    return records(x) ? record_take(std::move(out), x, places, slices ? "SliceBackward" : "SelectBackward") : out;
  }

 private:
  void move(std::int64_t index) {
    offset += index * x.strides()[dim];
    places.offset += index * row_major[dim];
    ++dim;
  }
};

void keep_slice(BasicView& view, const IndexTerm& term) {
  const std::int64_t size = view.x.size(view.dim);
  const auto bound = [size](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size); };
  const std::int64_t start = bound(term.start), stop = bound(term.stop);
  view.keep(start, stop > start ? (stop - start - 1) / term.step + 1 : 0, term.step);
}

Tensor basic_view(const Tensor& x, const IndexTerms& terms) {
  int used = 0;
  for (const IndexTerm& term : terms) used += dims_used(term);
  if (used > x.ndim()) fail<IndexError>("too many indices for tensor of dimension ", x.ndim(), " (shape ", x.shape(), "): got ", used);
  BasicView view(x);
  bool expanded = false;
  for (const IndexTerm& term : terms) {
    switch (term.kind) {
      case Kind::integer: view.take(term.start); break;
      case Kind::slice: keep_slice(view, term); break;
      case Kind::new_axis: view.add_axis(); break;
      case Kind::ellipsis:
        if (std::exchange(expanded, true)) fail<IndexError>("an index can only have a single ellipsis ('...')");
        for (int i = used; i < x.ndim(); ++i) view.keep_all();
        break;
      case Kind::tensor: fail<IndexError>("tensors as indices are not supported");
    }
  }
  while (view.dim < x.ndim()) view.keep_all();
  return view.result();
}

// The value as it will be written to `shape`: x's type, and no leading dimensions of size one too many.
Tensor fitted_value(const Tensor& value, const Dims& shape, DType dtype) {
  Tensor v = value;
  if (v.ndim() > shape.size()) {
    Dims trimmed = v.shape();
    while (trimmed.size() > shape.size() && trimmed[0] == 1) trimmed.erase(0);
    v = view_as(v, trimmed);
  }
  bool fits = v.ndim() <= shape.size();
  for (int i = 1; fits && i <= v.ndim(); ++i) fits = v.size(v.ndim() - i) == 1 || v.size(v.ndim() - i) == shape[shape.size() - i];
  if (!fits) fail<RuntimeError>("setitem: shape mismatch: value of shape ", value.shape(), " cannot be broadcast to indexing result of shape ", shape);
  return cast(v, dtype);
}

}  // namespace

std::int64_t wrap_index(std::int64_t index, int dim, std::int64_t size) {
  if (index < -size || index >= size) fail<IndexError>("index ", index, " is out of bounds for dimension ", dim, " with size ", size);
  return index < 0 ? index + size : index;
}

Tensor get_item(const Tensor& x, const IndexTerms& terms) { return basic_view(x, terms); }

void set_item(const Tensor& x, const IndexTerms& terms, const Tensor& value) {
  const Tensor target = basic_view(x, terms);
  check_writable("setitem", target);
  replace("setitem", target, expand(fitted_value(value, target.shape(), x.dtype()), target.shape()));
}

}  // namespace gradgate
