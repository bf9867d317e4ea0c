// Reads index expressions: their basic terms become one view, their tensors are applied to it.
#include "graph/choosing/index.h"

#include <algorithm>
#include <utility>

#include "array/copy.h"
#include "array/mask.h"
#include "graph/choosing/mask.h"
#include "graph/engine/record.h"
#include "graph/shapes/assign.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

using Term = IndexTerm::Kind;

const GateKind kSlice("slice"), kSelect("select"), kIndexPut("index_put");

// How many of x's dimensions a term uses up.
int dims_used(const IndexTerm& term) {
  if (term.kind == Term::tensor) return term.tensor.dtype() == DType::boolean ? term.tensor.ndim() : 1;
  return term.kind == Term::integer || term.kind == Term::slice ? 1 : 0;
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
    return records(x) ? recorded_part(std::move(out), x, places, slices ? kSlice : kSelect) : out;
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
  // A step beyond the end is as good as any other, and must not overflow the stride.
  const std::int64_t step = std::min(term.step, std::max<std::int64_t>(size, 1));
  view.keep(start, stop > start ? (stop - start - 1) / step + 1 : 0, step);
}

// A tensor among the terms: positions along, or a mask over, the view's dimensions from `dim`, which were x's from `named`.
struct TensorTerm {
  int dim, named;
  Tensor tensor;
};

// x[terms] before the tensors are applied.
struct Expression {
  Tensor view;
  std::vector<TensorTerm> tensors;
};

void check_mask_shape(const Tensor& mask, const Tensor& x, int dim) {
  for (int i = 0; i < mask.ndim(); ++i)
    if (mask.size(i) != x.size(dim + i))
      fail<IndexError>("the shape of the mask ", mask.shape(), " at dimension ", i, " does not match the shape of the indexed tensor ",
                       x.shape(), " at dimension ", dim + i);
}

// Keeps the dimensions that a tensor indexes. A 0-d integer is that integer, and a 0-d bool a mask of a new axis of size one.
void keep_indexed(BasicView& view, const Tensor& tensor, std::vector<TensorTerm>& tensors) {
  if (tensor.ndim() == 0 && kind(tensor.dtype()) == Kind::integer) {
    view.take(*converted(tensor, DType::int64).data<std::int64_t>());
    return;
  }
  const bool is_mask = tensor.dtype() == DType::boolean;
  const int dim = view.places.part.size();
  if (is_mask && tensor.ndim() == 0) {
    tensors.push_back({dim, view.dim, tensor.alias({1}, {1})});
    view.add_axis();
    return;
  }
  if (is_mask) check_mask_shape(tensor, view.x, view.dim);
  tensors.push_back({dim, view.dim, tensor});
  for (int i = 0; i < (is_mask ? tensor.ndim() : 1); ++i) view.keep_all();
}

Expression read(const Tensor& x, const IndexTerms& terms) {
  int used = 0;
  for (const IndexTerm& term : terms) used += dims_used(term);
  if (used > x.ndim()) fail<IndexError>("too many indices for tensor of dimension ", x.ndim(), " (shape ", x.shape(), "): got ", used);
  BasicView view(x);
  std::vector<TensorTerm> tensors;
  bool expanded = false;
  for (const IndexTerm& term : terms) {
    switch (term.kind) {
      case Term::integer: view.take(term.start); break;
      case Term::slice: keep_slice(view, term); break;
      case Term::new_axis: view.add_axis(); break;
      case Term::ellipsis:
        if (std::exchange(expanded, true)) fail<IndexError>("an index can only have a single ellipsis ('...')");
        for (int i = used; i < x.ndim(); ++i) view.keep_all();
        break;
      case Term::tensor: keep_indexed(view, term.tensor, tensors); break;
    }
  }
  while (view.dim < x.ndim()) view.keep_all();
  const bool whole = !tensors.empty() && view.places.part == x.shape();
  return {whole ? x : view.result(), std::move(tensors)};
}

IndexTensors positions_of(const std::vector<TensorTerm>& tensors) {
  IndexTensors at;
  const auto add = [&](int dim, int named, const Tensor& index) {
    at.how.dims.push_back({dim, named});
    at.index.push_back(index);
  };
  for (const TensorTerm& term : tensors) {
    if (term.tensor.dtype() != DType::boolean) {
      add(term.dim, term.named, term.tensor);
      continue;
    }
    int i = 0;
    for (const Array& index : true_positions(term.tensor)) {
      add(term.dim + i, term.named + i, Tensor(index));
      ++i;
    }
  }
  return at;
}

// The value without leading dimensions of size one that are too many for `ndim`, in this type.
Tensor fitted_value(const Tensor& value, int ndim, DType dtype) {
  Dims trimmed = value.shape();
  while (trimmed.size() > ndim && trimmed[0] == 1) trimmed.erase(0);
  return cast(trimmed.size() == value.ndim() ? value : reshape(value, trimmed), dtype);
}

void set_view(const Tensor& target, const Tensor& value) {
  const Tensor fitted = fitted_value(value, target.ndim(), target.dtype());
  if (!broadcasts_to(fitted.shape(), target.shape()))
    fail<RuntimeError>("setitem: shape mismatch: value of shape ", value.shape(), " cannot be broadcast to indexing result of shape ",
                       target.shape());
  assign("setitem", target, fitted);
}

void set_masked(const Tensor& target, const TensorTerm& term, const Tensor& value) {
  Dims aligned = term.tensor.shape();
  while (aligned.size() + term.dim < target.ndim()) aligned.push_back(1);
  masked_fill_into("setitem", target, reshape(term.tensor, aligned), cast(value, target.dtype()));
}

}  // namespace

std::int64_t wrap_index(std::int64_t index, int dim, std::int64_t size) {
  if (index < -size || index >= size) fail<IndexError>("index ", index, " is out of bounds for dimension ", dim, " with size ", size);
  return index < 0 ? index + size : index;
}

Assignment index_put(const Tensor& x, const Tensors& indices, const Tensor& values, bool accumulate) {
  std::vector<TensorTerm> terms;
  int dim = 0;
  for (const Tensor& index : indices) {
    const bool is_mask = index.defined() && index.dtype() == DType::boolean;
    const int used = is_mask ? index.ndim() : 1;
    if (dim + used > x.ndim()) fail<IndexError>("too many indices for tensor of dimension ", x.ndim(), " (shape ", x.shape(), ")");
    if (is_mask) check_mask_shape(index, x, dim);
    if (index.defined() && used > 0) terms.push_back({dim, dim, index});
    dim += used;
  }
  if (terms.empty()) fail<IndexError>("at least one index tensor is needed");
  return {positions_of(terms), values, {"index_put", kIndexPut, accumulate}};
}

Tensor get_item(const Tensor& x, const IndexTerms& terms) {
  const Expression e = read(x, terms);
  return e.tensors.empty() ? e.view : take(e.view, positions_of(e.tensors));
}

void set_item(const Tensor& x, const IndexTerms& terms, const Tensor& value) {
  if (value.is_number()) check_fits("setitem", value, x.dtype());
  const Expression e = read(x, terms);
  if (e.tensors.empty()) {
    set_view(e.view, value);
  } else if (e.tensors.size() == 1 && e.tensors[0].tensor.dtype() == DType::boolean && value.numel() == 1) {
    set_masked(e.view, e.tensors[0], value);
  } else {
    const IndexTensors at = positions_of(e.tensors);
    const Tensor fitted = fitted_value(value, at.selection(e.view.shape()).size(), x.dtype());
    put_into(e.view, {at, fitted, {"setitem", kIndexPut, false}});
  }
}

}  // namespace gradgate
