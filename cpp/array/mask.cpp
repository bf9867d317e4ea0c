// Finds the true elements of masks.
#include "array/mask.h"

#include <algorithm>

#include "array/copy.h"

namespace gradgate {

std::vector<Array> true_positions(const Array& mask) {
  const Array m = packed(mask);
  const int ndim = m.ndim();
  const std::int64_t count = std::count(m.data<bool>(), m.data<bool>() + m.numel(), true);
  std::vector<Array> positions;
  std::vector<std::int64_t*> out;
  for (int i = 0; i < ndim; ++i) {
    positions.push_back(Array::empty({count}, DType::int64));
    out.push_back(positions.back().data<std::int64_t>());
  }
  if (count == 0 || ndim == 0) return positions;
  Dims row = Dims::filled(ndim, 0);
  const std::int64_t size = m.size(ndim - 1);
  std::int64_t found = 0;
  for (const bool *p = m.data<bool>(), *end = p + m.numel(); p < end; p += size) {
    for (std::int64_t i = 0; i < size; ++i) {
      if (!p[i]) continue;
      for (int d = 0; d < ndim - 1; ++d) out[static_cast<std::size_t>(d)][found] = row[d];
      out[static_cast<std::size_t>(ndim - 1)][found++] = i;
    }
    for (int d = ndim - 2; d >= 0 && ++row[d] == m.size(d); --d) row[d] = 0;
  }
  return positions;
}

Array nonzero_positions(const Array& x) {
  const Array mask = converted(x, DType::boolean);
  if (mask.ndim() == 0) return Array::empty({*mask.data<bool>() ? 1 : 0, 0}, DType::int64);
  const std::vector<Array> positions = true_positions(mask);
  const std::int64_t count = positions[0].numel();
  Array out = Array::empty({count, mask.ndim()}, DType::int64);
  for (int i = 0; i < mask.ndim(); ++i) copy_elements(out.viewed({count}, {mask.ndim()}, i), positions[static_cast<std::size_t>(i)]);
  return out;
}

}  // namespace gradgate
