// From positions to offsets in memory.
#include "array/positions.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "array/along.h"
#include "array/copy.h"
#include "kernels/gather.h"

namespace gradgate {
namespace {

Array with_a_dim(const Array& a) { return a.ndim() ? a : a.viewed({1}, {1}); }
Dims with_a_dim(const Dims& shape) { return shape.empty() ? Dims{1} : shape; }

Dims index_shape(const Positions& at) {
  Dims shape;
  for (const Array& index : at.index) {
    try {
      shape = broadcast_shapes("index", shape, index.shape());
    } catch (const RuntimeError&) {
      std::string shapes;
      for (const Array& each : at.index) shapes += cat(shapes.empty() ? "" : ", ", each.shape());
      fail<IndexError>("shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes);
    }
  }
  return shape;
}

bool are_neighbours(const Indexing& how) { return how.dims.back().dim - how.dims.front().dim + 1 == static_cast<int>(how.dims.size()); }

bool is_indexed(const Indexing& how, int dim) {
  for (const IndexedDim& d : how.dims)
    if (d.dim == dim) return true;
  return false;
}

void check_index_type(const Array& index) {
  if (index.dtype() != DType::int32 && index.dtype() != DType::int64)
    fail<IndexError>("tensors used as indices must be int64, int32 or bool tensors, got ", index.dtype());
}

// The positions in range are low ... size - 1.
struct Range {
  std::int64_t low, size;
  Range(const Indexing& how, std::int64_t n) : low(how.from_end ? -n : 0), size(n) {}
  bool contains(std::int64_t position) const { return position >= low && position < size; }
};

[[noreturn]] void fail_out_of_range(const Array& index, const IndexedDim& d, const Range& range) {
  const Array values = packed(converted(index, DType::int64));
  for (std::int64_t i = 0; i < values.numel(); ++i)
    if (const std::int64_t value = values.data<std::int64_t>()[i]; !range.contains(value))
      fail<IndexError>("index ", value, " is out of bounds for dimension ", d.named, " with size ", range.size);
  fail<RuntimeError>("an index tensor was changed while it was read");
}

// offset += stride * position, for every position.
template <class T>
void add_offsets(const Array& offsets, const Array& index, const IndexedDim& d, const Range& range, std::int64_t stride) {
  std::atomic<bool> out_of_range = false;
  elementwise<std::int64_t, std::int64_t, T>(
      offsets.shape(),
      [&](std::int64_t n, std::int64_t* out, const std::int64_t* sum, const T* position) {
        bool bad = false;
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t p = position[i];
          bad |= !range.contains(p);
          out[i] = sum[i] + (p < 0 ? p + range.size : p) * stride;
        }
        if (bad) out_of_range.store(true, std::memory_order_relaxed);
      },
      {offsets.data<std::int64_t>(), offsets.strides()}, operand<const std::int64_t>(offsets, offsets.shape()),
      operand<const T>(index, offsets.shape()));
  if (out_of_range.load()) fail_out_of_range(index, d, range);
}

// The offset of each position in x's memory. Throws IndexError.
Array offsets_of(const Positions& at, const Array& x) {
  Array offsets = Array::empty(index_shape(at), DType::int64);
  std::memset(offsets.bytes(), 0, static_cast<std::size_t>(offsets.numel()) * sizeof(std::int64_t));
  for (std::size_t i = 0; i < at.index.size(); ++i) {
    const IndexedDim& d = at.how.dims[i];
    const Array& index = at.index[i];
    const Range range(at.how, x.size(d.dim));
    check_index_type(index);
    if (index.dtype() == DType::int32)
      add_offsets<std::int32_t>(offsets, index, d, range, x.strides()[d.dim]);
    else
      add_offsets<std::int64_t>(offsets, index, d, range, x.strides()[d.dim]);
  }
  return offsets;
}

// The one index, in range, as array/along.h takes it. Throws IndexError.
Array index_along(const Positions& at, const Array& x) {
  check_index_type(at.index[0]);
  const Range range(at.how, x.size(at.how.dims[0].dim));
  const Array index = with_a_dim(packed(converted(at.index[0], DType::int64)));
  const std::int64_t* const position = index.data<std::int64_t>();
  bool bad = false;
  for (std::int64_t i = 0; i < index.numel(); ++i) bad |= !range.contains(position[i]);
  if (bad) fail_out_of_range(index, at.how.dims[0], range);
  return index;
}

// The selected elements as the blocks of a kernel.
Blocks blocks_of(const Positions& at, const Array& x, const Array& offsets) {
  Blocks blocks{offsets.data<std::int64_t>(), offsets.numel(), {}, {}, {}, {}};
  const bool neighbours = are_neighbours(at.how);
  for (int i = 0; i < x.ndim(); ++i) {
    if (is_indexed(at.how, i)) continue;
    const bool outer = neighbours && i < at.how.dims.front().dim;
    (outer ? blocks.outer_shape : blocks.inner_shape).push_back(x.size(i));
    (outer ? blocks.outer_strides : blocks.inner_strides).push_back(x.strides()[i]);
  }
  return blocks;
}

// The array in memory that is not the target's.
Array apart(const Array& a, const Array& target) { return may_overlap(a, target) ? copied(a) : a; }

// The values row-major in the shape of the selection, in memory that is not the target's.
Array compact_values(const Array& values, const Dims& shape, const Array& target) {
  if (values.shape() == shape && values.is_contiguous() && !may_overlap(values, target)) return values;
  const Array compact = Array::empty(shape, target.dtype());
  copy_elements(compact, values);
  return compact;
}

void scatter_blocks_of(const Array& to, const Positions& at, const Array& values, bool accumulate) {
  const Array offsets = offsets_of(at, to);
  const Blocks blocks = blocks_of(at, to, offsets);
  visit(to.dtype(), [&]<class T>() {
    if (values.numel() == 1 && !accumulate) {
      fill_blocks(blocks, to.data<T>(), *values.data<T>());
      return;
    }
    const Array compact = compact_values(values, at.selection(to.shape()), to);
    (accumulate ? scatter_add_blocks<T> : scatter_blocks<T>)(blocks, to.data<T>(), compact.data<T>());
  });
}

}  // namespace

Dims Positions::selection(const Dims& shape) const {
  if (how.others_are_ranges) return index[0].shape();
  Dims selected;
  const Dims sizes = with_a_dim(shape);
  const bool neighbours = are_neighbours(how);
  bool pending = true;
  const auto add_index_shape = [&] {
    if (!std::exchange(pending, false)) return;
    for (std::int64_t size : index_shape(*this)) selected.push_back(size);
  };
  if (!neighbours) add_index_shape();
  for (int i = 0; i < sizes.size(); ++i) {
    if (is_indexed(how, i))
      add_index_shape();
    else
      selected.push_back(sizes[i]);
  }
  return selected;
}

void gather_elements(const Array& x, const Positions& at, const Array& out) {
  const Array from = with_a_dim(x);
  if (at.how.others_are_ranges) {
    if (out.numel() > 0) take_along(from, at.how.dims[0].dim, index_along(at, from), with_a_dim(out));
    return;
  }
  const Array offsets = offsets_of(at, from);
  visit(x.dtype(), [&]<class T>() { gather_blocks(blocks_of(at, from, offsets), from.data<T>(), out.data<T>()); });
}

void scatter_elements(const Array& to, const Positions& at, const Array& values, bool accumulate) {
  const Array target = with_a_dim(to);
  if (!at.how.others_are_ranges) return scatter_blocks_of(target, at, values, accumulate);
  if (at.index[0].numel() == 0) return;
  const Array index = apart(index_along(at, target), target);
  (accumulate ? add_along : put_along)(target, at.how.dims[0].dim, index, apart(values, target));
}

std::optional<Array> lasting_values(const Positions& at, const Dims& shape) {
  Dims cells = with_a_dim(shape);
  for (int i = 0; !at.how.others_are_ranges && i < cells.size(); ++i)
    if (!is_indexed(at.how, i)) cells[i] = 1;
  // Each value's place in their order, and for each value the place of the last one that was written where it was.
  const Array order = Array::empty(at.selection(cells), DType::int64), last = Array::empty(order.shape(), DType::int64);
  for (std::int64_t i = 0; i < order.numel(); ++i) order.data<std::int64_t>()[i] = i;
  const Array written = Array::empty(cells, DType::int64);
  scatter_elements(written, at, order, false);
  gather_elements(written, at, last);
  const Array stays = Array::empty(order.shape(), DType::boolean);
  bool all = true;
  for (std::int64_t i = 0; i < order.numel(); ++i) {
    stays.data<bool>()[i] = last.data<std::int64_t>()[i] == i;
    all = all && stays.data<bool>()[i];
  }
  return all ? std::nullopt : std::optional<Array>(stays);
}

}  // namespace gradgate
