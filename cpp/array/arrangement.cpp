// Arranges arrays for the reducing kernels.
#include "array/arrangement.h"

#include "array/copy.h"

namespace gradgate {
namespace {

bool is_in_order(const Dims& order) {
  for (int i = 0; i < order.size(); ++i)
    if (order[i] != i) return false;
  return true;
}

}  // namespace

Dims kept_shape(const Dims& shape, const Dims& dims, bool keepdim) {
  Dims kept;
  for (int i = 0; i < shape.size(); ++i) {
    if (!dims.contains(i))
      kept.push_back(shape[i]);
    else if (keepdim)
      kept.push_back(1);
  }
  return kept;
}

std::int64_t reduced_count(const Dims& shape, const Dims& dims) {
  std::int64_t count = 1;
  for (int i = 0; i < shape.size(); ++i)
    if (dims.contains(i)) count *= shape[i];
  return count;
}

Dims reduced_dims(int ndim, const Dims& dims) {
  if (!dims.empty()) return dims;
  Dims all;
  for (int i = 0; i < ndim; ++i) all.push_back(i);
  return all;
}

Arrangement arrange(const Array& x, const Dims& dims) {
  std::int64_t sizes[3] = {1, 1, 1};
  int part = 0;
  bool together = true;
  for (int i = 0; i < x.ndim(); ++i) {
    const bool reduced = dims.contains(i);
    if (reduced && part == 0) part = 1;
    if (!reduced && part == 1) part = 2;
    if (reduced && part == 2) together = false;
    sizes[part] *= x.size(i);
  }
  if (together) return {packed(x), sizes[0], sizes[1], sizes[2]};
  const std::int64_t reduced = reduced_count(x.shape(), dims);
  return {arrange_rows(x, dims), kept_shape(x.shape(), dims, false).product(), reduced, 1};
}

Array arrange_rows(const Array& x, const Dims& dims) {
  const Dims order = dims_last(x.ndim(), dims);
  return packed(is_in_order(order) ? x : reordered(x, order));
}

Array reordered(const Array& x, const Dims& order) {
  Dims shape = order, strides = order;
  for (int i = 0; i < order.size(); ++i) {
    shape[i] = x.size(static_cast<int>(order[i]));
    strides[i] = x.strides()[static_cast<int>(order[i])];
  }
  return x.viewed(shape, strides);
}

Dims dims_last(int ndim, const Dims& dims) {
  Dims order;
  for (int i = 0; i < ndim; ++i)
    if (!dims.contains(i)) order.push_back(i);
  for (int i = 0; i < ndim; ++i)
    if (dims.contains(i)) order.push_back(i);
  return order;
}

Dims inverse_order(const Dims& order) {
  Dims inverse = order;
  for (int i = 0; i < order.size(); ++i) inverse[static_cast<int>(order[i])] = i;
  return inverse;
}

Array dims_back(const Array& result, const Dims& dims) {
  const Dims order = dims_last(result.ndim(), dims);
  return is_in_order(order) ? result : packed(reordered(result, inverse_order(order)));
}

void check_not_empty(const char* operation, const Array& x, const Dims& dims) {
  for (std::int64_t d : dims)
    if (x.ndim() > 0 && x.size(static_cast<int>(d)) == 0)
      fail<IndexError>(operation, "(): Expected reduction dim ", d, " to have non-zero size, got a tensor of shape ", x.shape());
}

}  // namespace gradgate
