// Runs the sorting kernels on rows.
#include "array/sort.h"

#include <vector>

#include "array/arrangement.h"
#include "array/copy.h"
#include "kernels/sort.h"

namespace gradgate {

void sort_along(const Array& x, int dim, bool descending, const Array& values, const Array& indices) {
  const Array from = arrange_rows(x, {dim});
  const std::int64_t n = x.ndim() ? x.size(dim) : 1, k = x.ndim() ? values.size(dim) : 1;
  const Dims order = dims_last(x.ndim(), {dim});
  const bool in_place = x.ndim() == 0 || dim == x.ndim() - 1;
  const auto in_rows = [&](const Array& out) {
    return in_place && out.is_contiguous() ? out : Array::empty(reordered(out, order).shape(), out.dtype());
  };
  const Array sorted = in_rows(values), places = in_rows(indices);
  visit(x.dtype(), [&]<class T>() {
    const auto run = [&](auto before) {
      sort_rows(n ? from.numel() / n : 0, n, k, before, from.data<T>(), sorted.data<T>(), places.data<std::int64_t>());
    };
    if (descending)
      run(Descending<T>());
    else
      run(Ascending<T>());
  });
  if (sorted.bytes() != values.bytes()) copy_elements(reordered(values, order), sorted);
  if (places.bytes() != indices.bytes()) copy_elements(reordered(indices, order), places);
}

void median_along(const Array& x, int dim, const Array& values, const Array& indices) {
  const Array from = arrange_rows(x, {dim});
  visit(x.dtype(), [&]<class T>() {
    median_rows(values.numel(), reduced_count(x.shape(), {dim}), from.data<T>(), values.data<T>(), indices.data<std::int64_t>());
  });
}

Unique unique_values(const Array& x) {
  const std::int64_t n = x.numel();
  const Array flat = packed(x).viewed({n}, {1}), sorted = Array::empty({n}, x.dtype()), places = Array::empty({n}, DType::int64);
  sort_along(flat, 0, false, sorted, places);
  Unique out{{}, Array::empty(x.shape(), DType::int64), {}};
  std::vector<std::int64_t> starts;
  const auto* const place = places.data<std::int64_t>();
  visit(x.dtype(), [&]<class T>() {
    const T* const values = sorted.data<T>();
    for (std::int64_t i = 0; i < n; ++i) {
      if (i == 0 || values[i] != values[i - 1]) starts.push_back(i);
      out.inverse.data<std::int64_t>()[place[i]] = static_cast<std::int64_t>(starts.size()) - 1;
    }
    const auto count = static_cast<std::int64_t>(starts.size());
    starts.push_back(n);
    out.values = Array::empty({count}, x.dtype());
    out.counts = Array::empty({count}, DType::int64);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t start = starts[static_cast<std::size_t>(i)];
      out.values.data<T>()[i] = values[start];
      out.counts.data<std::int64_t>()[i] = starts[static_cast<std::size_t>(i) + 1] - start;
    }
  });
  return out;
}

}  // namespace gradgate
