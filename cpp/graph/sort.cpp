// Runs the sorting kernels and records their gates.
#include "graph/sort.h"

#include <limits>

#include "base/float_environment.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/pick.h"
#include "graph/reduce_arrangement.h"
#include "graph/view.h"
#include "kernels/sort.h"

namespace gradgate {
namespace {

enum class Order { ascending, descending };

// The first k along `dim` in the order.
ValuesAndIndices first_in_order(Choice choice, const Tensor& x, int dim, std::int64_t k, Order order) {
  const Tensor from = arrange_rows(x, {dim});
  const std::int64_t n = x.ndim() ? x.size(dim) : 1;
  Dims shape = from.shape();
  if (x.ndim()) shape[x.ndim() - 1] = k;
  const Tensor values = Tensor::empty(shape, x.dtype()), indices = Tensor::empty(shape, DType::int64);
  visit(x.dtype(), [&]<class T>() {
    auto run = [&](auto before) {
      sort_rows(n ? from.numel() / n : 0, n, k, before, from.data<T>(), values.data<T>(), indices.data<std::int64_t>());
    };
    if (order == Order::ascending)
      run(Ascending<T>());
    else
      run(Descending<T>());
  });
  ValuesAndIndices out{dims_back(values, {dim}), dims_back(indices, {dim})};
  out.values = record_pick(std::move(out.values), choice, x, dim, out.indices);
  return out;
}

}  // namespace

ValuesAndIndices sort(const Tensor& x, int dim, bool descending) {
  const Order order = descending ? Order::descending : Order::ascending;
  return first_in_order({Choice::sort, true, descending}, x, dim, x.ndim() ? x.size(dim) : 1, order);
}

ValuesAndIndices topk(const Tensor& x, std::int64_t k, int dim, bool largest) {
  const std::int64_t n = x.ndim() ? x.size(dim) : 1;
  if (k < 0 || k > n)
    fail<RuntimeError>("topk: selected index k out of range: k = ", k, " of ", n, " elements along dim ", dim, " of shape ", x.shape());
  return first_in_order({Choice::topk, true, largest}, x, dim, k, largest ? Order::descending : Order::ascending);
}

ValuesAndIndices median(const Tensor& x, int dim, bool keepdim) {
  check_not_empty("median", x, {dim});
  const Tensor from = arrange_rows(x, {dim});
  const Dims shape = kept_shape(x.shape(), {dim}, keepdim);
  ValuesAndIndices out{Tensor::empty(shape, x.dtype()), Tensor::empty(shape, DType::int64)};
  visit(x.dtype(), [&]<class T>() {
    median_rows(out.values.numel(), reduced_count(x.shape(), {dim}), from.data<T>(), out.values.data<T>(),
                out.indices.data<std::int64_t>());
  });
  out.values = record_pick(std::move(out.values), {Choice::median, keepdim}, x, dim, out.indices);
  return out;
}

Tensor median(const Tensor& x) {
  if (x.numel() == 0) return full({}, std::numeric_limits<double>::quiet_NaN(), x.dtype());
  Tensor out = median(reshape(x.alias(), {x.numel()}), 0, false).values;
  return record_shared(std::move(out), "median", x, reduced_dims(x, {}), {});
}

Unique unique(const Tensor& x) {
  const std::int64_t n = x.numel();
  const ValuesAndIndices sorted = sort(reshape(x.alias(), {n}), 0, false);
  Unique out{{}, Tensor::empty(x.shape(), DType::int64), {}};
  std::vector<std::int64_t> starts;
  const auto* const place = sorted.indices.data<std::int64_t>();
  visit(x.dtype(), [&]<class T>() {
    const T* const values = sorted.values.data<T>();
    for (std::int64_t i = 0; i < n; ++i) {
      if (i == 0 || values[i] != values[i - 1]) starts.push_back(i);
      out.inverse.data<std::int64_t>()[place[i]] = static_cast<std::int64_t>(starts.size()) - 1;
    }
    const auto count = static_cast<std::int64_t>(starts.size());
    starts.push_back(n);
    out.values = Tensor::empty({count}, x.dtype());
    out.counts = Tensor::empty({count}, DType::int64);
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t start = starts[static_cast<std::size_t>(i)];
      out.values.data<T>()[i] = values[start];
      out.counts.data<std::int64_t>()[i] = starts[static_cast<std::size_t>(i) + 1] - start;
    }
  });
  return out;
}

Tensor bincount(const Tensor& x, const std::optional<Tensor>& weights, std::int64_t minlength) {
  if (x.ndim() != 1 || is_floating(x.dtype()) || x.dtype() == DType::boolean)
    fail<RuntimeError>("bincount: only 1-d tensors of non-negative integers, got shape ", x.shape(), " of ", x.dtype());
  if (minlength < 0) fail<RuntimeError>("bincount: minlength must not be negative, got ", minlength);
  if (weights && !(weights->shape() == x.shape()))
    fail<RuntimeError>("bincount: weights must have the input's shape ", x.shape(), ", got ", weights->shape());
  const Tensor bins = contiguous(cast(x, DType::int64));
  const auto* const bin = bins.data<std::int64_t>();
  std::int64_t length = minlength;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (bin[i] < 0) fail<RuntimeError>("bincount: only non-negative integers, got ", bin[i]);
    length = std::max(length, bin[i] + 1);
  }
  const DType dtype = !weights ? DType::int64 : weights->dtype() == DType::float32 ? DType::float32 : DType::float64;
  const Tensor out = zeros({length}, dtype);
  const Tensor added = contiguous(weights ? cast(detach(*weights), dtype) : full({x.numel()}, 1, dtype));
  FloatEnvironment environment;
  visit(dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < x.numel(); ++i) out.data<T>()[bin[i]] += added.data<T>()[i];
  });
  return out;
}

}  // namespace gradgate
