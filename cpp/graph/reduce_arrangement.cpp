// Arranges tensors for the reducing kernels.
#include "graph/reduce_arrangement.h"

#include "graph/copy.h"
#include "graph/view.h"
#include "kernels/reduce.h"

namespace gradgate {
namespace {

// The elements in row-major order, unrecorded.
Tensor contiguous_elements(const Tensor& x) { return x.is_contiguous() ? x : contiguous(detach(x)); }

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

Dims reduced_dims(const Tensor& x, const Dims& dims) {
  if (!dims.empty()) return dims;
  Dims all;
  for (int i = 0; i < x.ndim(); ++i) all.push_back(i);
  return all;
}

Arrangement arrange(const Tensor& x, const Dims& dims) {
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
  if (together) return {contiguous_elements(x), sizes[0], sizes[1], sizes[2]};
  const std::int64_t reduced = reduced_count(x.shape(), dims);
  return {arrange_rows(x, dims), kept_shape(x.shape(), dims, false).product(), reduced, 1};
}

Tensor arrange_rows(const Tensor& x, const Dims& dims) {
  const Dims order = dims_last(x.ndim(), dims);
  return contiguous_elements(is_in_order(order) ? x : reordered(x, order));
}

Tensor reordered(const Tensor& x, const Dims& order) {
  Dims shape = order, strides = order;
  for (int i = 0; i < order.size(); ++i) {
    shape[i] = x.size(static_cast<int>(order[i]));
    strides[i] = x.strides()[static_cast<int>(order[i])];
  }
  return x.alias(shape, strides);
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

Tensor dims_back(const Tensor& result, const Dims& dims) {
  const Dims order = dims_last(result.ndim(), dims);
  return is_in_order(order) ? result : contiguous(reordered(result, inverse_order(order)));
}

Tensor with_dims(const Tensor& result, const Dims& shape, const Dims& dims) {
  return result.ndim() == shape.size() ? result : reshape(result, kept_shape(shape, dims, true));
}

Tensor reduce_floating(const char* operation, Reduction reduction, const Tensor& x, const Dims& dims, bool keepdim) {
  return visit_floating(operation, x.dtype(), [&]<class T>() {
    Tensor out = Tensor::empty(kept_shape(x.shape(), dims, keepdim), x.dtype());
    const Arrangement a = arrange(x, dims);
    if (a.columns == 1)
      reduce_rows<T>(reduction, a.outer, a.reduced, a.x.data<T>(), out.data<T>());
    else
      reduce_columns<T>(reduction, a.outer, a.reduced, a.columns, a.x.data<T>(), out.data<T>());
    return out;
  });
}

void check_not_empty(const char* operation, const Tensor& x, const Dims& dims) {
  for (std::int64_t d : dims)
    if (x.ndim() > 0 && x.size(static_cast<int>(d)) == 0)
      fail<IndexError>(operation, "(): Expected reduction dim ", d, " to have non-zero size, got a tensor of shape ", x.shape());
}

}  // namespace gradgate
