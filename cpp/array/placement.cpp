// Taking, placing and replacing parts.
#include "array/placement.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "array/reduction.h"
#include "array/copy.h"
#include "kernels/gather.h"

namespace gradgate {
namespace {

Array whole_like(const Array& x, const Placement& p) {
  Array whole = Array::empty(p.whole, x.dtype()).viewed(p.whole, layout_of(p));
  copy_elements(whole, x);
  return whole;
}

void fill_zeros(const Array& out) {
  Array zero = Array::empty({}, out.dtype());
  std::memset(zero.bytes(), 0, static_cast<std::size_t>(item_size(out.dtype())));
  copy_elements(out, zero);
}

// Whether two elements of a part may be one, other than by a stride of 0: false where every dimension steps over all that the
// dimensions of smaller strides reach.
bool may_overlap_itself(const Dims& shape, const Dims& strides) {
  std::vector<std::pair<std::int64_t, std::int64_t>> steps;
  for (int i = 0; i < shape.size(); ++i)
    if (shape[i] > 1) steps.emplace_back(std::abs(strides[i]), shape[i]);
  std::sort(steps.begin(), steps.end());
  std::int64_t reach = 0;
  for (const auto& [step, count] : steps) {
    if (step <= reach) return true;
    reach += step * (count - 1);
  }
  return false;
}

// The part's offsets in the block of memory, row-major.
std::vector<std::int64_t> offsets_of(const Dims& shape, const Dims& strides, std::int64_t first) {
  std::vector<std::int64_t> offsets{first};
  for (int i = 0; i < shape.size(); ++i) {
    std::vector<std::int64_t> longer;
    longer.reserve(offsets.size() * static_cast<std::size_t>(shape[i]));
    for (std::int64_t at : offsets)
      for (std::int64_t k = 0; k < shape[i]; ++k) longer.push_back(at + k * strides[i]);
    offsets = std::move(longer);
  }
  return offsets;
}

void add_windows(const Array& x, const Dims& strides, std::int64_t offset, const Array& out) {
  const Array values = packed(x);
  const std::vector<std::int64_t> offsets = offsets_of(x.shape(), strides, offset);
  const Blocks blocks{offsets.data(), static_cast<std::int64_t>(offsets.size()), {}, {}, {}, {}};
  visit(x.dtype(), [&]<class T>() { scatter_add_blocks(blocks, out.data<T>(), values.data<T>()); });
}

// The strides of a block of memory without gaps that holds an array's elements in the order of its own memory.
Dims packed_strides(const Array& t) {
  Dims order;
  for (int i = 0; i < t.ndim(); ++i) order.push_back(i);
  const auto stride = [&](std::int64_t dim) { return std::abs(t.strides()[static_cast<int>(dim)]); };
  std::stable_sort(&order[0], &order[0] + order.size(), [&](std::int64_t a, std::int64_t b) { return stride(a) < stride(b); });
  Dims strides = t.strides();
  std::int64_t step = 1;
  for (std::int64_t dim : order) {
    strides[static_cast<int>(dim)] = step;
    step *= std::max<std::int64_t>(t.size(static_cast<int>(dim)), 1);
  }
  return strides;
}

// A distance between elements in the base's memory as the distance in the packed block: a sum of whole steps along the base's
// dimensions, the widest first, as often as it goes.
std::int64_t packed_distance(std::int64_t distance, const Array& base, const Dims& packed) {
  std::int64_t result = 0;
  for (std::int64_t below = INT64_MAX; distance != 0;) {
    int widest = -1;
    for (int i = 0; i < base.ndim(); ++i)
      if (base.size(i) > 1 && packed[i] < below && (widest < 0 || packed[i] > packed[widest])) widest = i;
    if (widest < 0) fail<RuntimeError>("a view does not lie on the elements of its base of shape ", base.shape());
    below = packed[widest];
    result += distance / base.strides()[widest] * packed[widest];
    distance %= base.strides()[widest];
  }
  return result;
}

}  // namespace

Dims layout_of(const Placement& p) { return p.layout.empty() ? contiguous_strides(p.whole) : p.layout; }

bool is_stored_as(const Array& x, const Placement& p) {
  if (p.layout.empty()) return x.is_contiguous();
  for (int i = 0; i < x.ndim(); ++i)
    if (x.size(i) != 1 && x.strides()[i] != p.layout[i]) return false;
  return true;
}

Array part_of(const Array& whole, const Placement& p) { return whole.viewed(p.part, p.strides, p.offset); }

Dims repeated_dims(const Placement& p) {
  Dims repeated;
  for (int i = 0; i < p.part.size(); ++i)
    if (p.strides[i] == 0 && p.part[i] > 1) repeated.push_back(i);
  return repeated;
}

void take_part(const Array& x, const Placement& p, const Array& out) {
  copy_elements(out, part_of(is_stored_as(x, p) ? x : whole_like(x, p), p));
}

void place_part(const Array& x, const Placement& p, const Array& out) {
  fill_zeros(out);
  if (x.numel() == 0) return;
  Array values = x;
  if (const Dims repeated = repeated_dims(p); !repeated.empty()) {
    values = Array::empty(kept_shape(x.shape(), repeated, true), x.dtype());
    reduce_floating("as_strided", Reduction::sum, x, repeated, values);
  }
  if (may_overlap_itself(values.shape(), p.strides))
    add_windows(values, p.strides, p.offset, out);
  else
    copy_elements(out.viewed(values.shape(), p.strides, p.offset), values);
}

void replace_part(const Array& x, const Placement& p, const Array& values, const Array& out) {
  copy_elements(out, x);
  copy_elements(part_of(out, p), values);
}

Placement place_in_base(const Array& view, const Array& base, const std::byte* base_bytes) {
  const std::int64_t offset = (view.bytes() - base_bytes) / item_size(base.dtype());
  if (base.is_contiguous()) return {base.shape(), view.shape(), view.strides(), offset};
  const Dims block = packed_strides(base);
  Dims strides = view.strides();
  for (int i = 0; i < view.ndim(); ++i) strides[i] = view.size(i) > 1 ? packed_distance(strides[i], base, block) : 0;
  return {base.shape(), view.shape(), strides, packed_distance(offset, base, block), block};
}

}  // namespace gradgate
