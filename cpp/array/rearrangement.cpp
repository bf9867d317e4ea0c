// The copies that rearrange.
#include "array/rearrangement.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "array/copy.h"

namespace gradgate {
namespace {

// In every row of the matrices the elements [begin, end) = range(row), the rest zeros.
template <class Range>
void keep_of_rows(const Array& x, const Array& out, const Range& range) {
  const std::int64_t rows = x.size(x.ndim() - 2), columns = x.size(x.ndim() - 1), item = item_size(x.dtype());
  const Array from = packed(x);
  std::memset(out.bytes(), 0, static_cast<std::size_t>(out.numel() * item));
  const std::int64_t total = columns ? x.numel() / columns : 0;
  for (std::int64_t row = 0; row < total; ++row) {
    const auto [begin, end] = range(row % rows);
    const std::int64_t at = (row * columns + begin) * item;
    if (end > begin) std::memcpy(out.bytes() + at, from.bytes() + at, static_cast<std::size_t>((end - begin) * item));
  }
}

}  // namespace

void pad_elements(const Array& x, const Dims& before, const Dims& after, const Array& value, const Array& out) {
  copy_elements(out, value);
  Dims kept = x.shape();
  std::int64_t to = 0, from = 0;
  for (int i = 0; i < x.ndim(); ++i) {
    kept[i] += std::min<std::int64_t>(before[i], 0) + std::min<std::int64_t>(after[i], 0);
    to += std::max<std::int64_t>(before[i], 0) * out.strides()[i];
    from -= std::min<std::int64_t>(before[i], 0) * x.strides()[i];
  }
  if (kept.product() > 0) copy_elements(out.viewed(kept, out.strides(), to), x.viewed(kept, x.strides(), from));
}

void reverse_elements(const Array& x, const Dims& dims, const Array& out) {
  Dims strides = x.strides();
  std::int64_t last = 0;
  for (std::int64_t d : dims) {
    if (x.ndim() == 0) break;
    const int dim = static_cast<int>(d);
    if (x.numel() > 0) last += (x.size(dim) - 1) * strides[dim];
    strides[dim] = -strides[dim];
  }
  copy_elements(out, x.viewed(x.shape(), strides, last));
}

void keep_lower(const Array& x, std::int64_t offset, const Array& out) {
  const std::int64_t rows = x.size(x.ndim() - 2), columns = x.size(x.ndim() - 1), shift = std::clamp(offset, -rows, columns);
  keep_of_rows(x, out, [=](std::int64_t row) { return std::pair(std::int64_t{0}, std::clamp<std::int64_t>(row + shift + 1, 0, columns)); });
}

void keep_upper(const Array& x, std::int64_t offset, const Array& out) {
  const std::int64_t rows = x.size(x.ndim() - 2), columns = x.size(x.ndim() - 1), shift = std::clamp(offset, -rows, columns);
  keep_of_rows(x, out, [=](std::int64_t row) { return std::pair(std::clamp<std::int64_t>(row + shift, 0, columns), columns); });
}

void copy_to_part(const Array& x, int dim, std::int64_t start, const Array& out) {
  copy_elements(out.viewed(x.shape(), out.strides(), x.numel() ? start * out.strides()[dim] : 0), x);
}

void tile_elements(const Array& x, const Array& out) {
  if (out.numel() == 0) return;
  const int added = out.ndim() - x.ndim();
  const auto size = [&](int dim) { return dim < added ? 1 : x.size(dim - added); };
  int first = 0;  // the outermost dimension that is repeated
  while (first < out.ndim() && out.size(first) == size(first)) ++first;
  if (first == out.ndim()) return copy_elements(out.viewed(x.shape(), contiguous_strides(x.shape())), x);
  Array tiled = packed(x);
  // Innermost dimension first, so that what the outer ones copy is as long as it can be.
  std::int64_t inner = 1;  // of what is tiled
  for (int i = out.ndim() - 1; i >= first; --i) {
    const std::int64_t repeats = out.size(i) / size(i);
    inner *= size(i);
    if (repeats == 1) continue;
    const Dims shape{tiled.numel() / inner, repeats, inner};
    const Array repeated = tiled.viewed(shape, {inner, 0, 1});
    inner *= repeats;
    if (i == first)
      copy_elements(out.viewed(shape, contiguous_strides(shape)), repeated);
    else
      tiled = packed(repeated);
  }
}

}  // namespace gradgate
