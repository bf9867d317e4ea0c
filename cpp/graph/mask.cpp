// Finding the true elements of masks, and the functions on masks in terms of other gates.
#include "graph/mask.h"

#include "graph/compare.h"
#include "graph/copy.h"
#include "graph/gather.h"
#include "graph/node.h"
#include "graph/view.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

void check_mask(const char* operation, const Tensor& mask) {
  if (mask.dtype() != DType::boolean)
    fail<RuntimeError>(operation, ": expected a bool mask, but got a tensor with dtype ", mask.dtype(), "; compare, e.g. mask != 0");
}

// The value as a 0-d tensor of x's type.
Tensor fill_value(const char* operation, const Tensor& x, const Tensor& value) {
  if (value.numel() != 1) fail<RuntimeError>(operation, ": only a value of one element is supported, got shape ", value.shape());
  if (kind(value.dtype()) > kind(x.dtype()))
    fail<RuntimeError>(operation, ": value of type ", value.dtype(), " cannot be converted to type ", x.dtype(), " without loss");
  if (value.is_number()) check_fits(operation, value, x.dtype());
  return cast(reshape(value, {}), x.dtype());
}

std::int64_t count_true(const Tensor& contiguous_mask) {
  const bool* m = contiguous_mask.data<bool>();
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < contiguous_mask.numel(); ++i) count += m[i];
  return count;
}

// Positions for take() and put(): those of the mask's true elements.
Positions positions_at(const Tensor& mask) {
  Positions at;
  const std::vector<Tensor> index = mask_positions(mask);
  for (int i = 0; i < mask.ndim(); ++i) at.dims.push_back({i, i, index[static_cast<std::size_t>(i)]});
  return at;
}

}  // namespace

std::vector<Tensor> mask_positions(const Tensor& mask) {
  const Tensor m = contiguous(mask);
  const int ndim = m.ndim();
  const std::int64_t count = count_true(m);
  std::vector<Tensor> positions;
  std::vector<std::int64_t*> out;
  for (int i = 0; i < ndim; ++i) {
    positions.push_back(Tensor::empty({count}, DType::int64));
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

Tensor nonzero(const Tensor& x) {
  const Tensor mask = cast(x.alias(), DType::boolean);
  const std::vector<Tensor> positions = mask_positions(mask);
  const int ndim = mask.ndim();
  Tensor out = Tensor::empty({ndim ? positions[0].numel() : count_true(mask), ndim}, DType::int64);
  for (int i = 0; i < ndim; ++i) copy_elements(out.alias({out.size(0)}, {ndim}, i), positions[static_cast<std::size_t>(i)]);
  return out;
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value) {
  check_mask("masked_fill", mask);
  return where(mask, fill_value("masked_fill", x, value), x);
}

void masked_fill_into(const char* operation, const Tensor& target, const Tensor& mask, const Tensor& value) {
  check_mask(operation, mask);
  check_writable(operation, target);
  if (!broadcasts_to(mask.shape(), target.shape()))
    fail<RuntimeError>(operation, ": the mask of shape ", mask.shape(), " does not broadcast to the tensor of shape ", target.shape());
  const Tensor v = fill_value(operation, target, value);
  if (records(target, v)) {
    replace(operation, target, where(mask, v, before_change(target)));
    return;
  }
  const Tensor separate = may_overlap(mask, target) ? clone_unrecorded(mask) : mask;
  visit(target.dtype(), [&]<class T>() {
    const Strided<T> out{target.data<T>(), target.strides()};
    const T filling = *v.data<T>();
    elementwise<T, bool, T>(
        target.shape(),
        [filling](std::int64_t n, T* o, const bool* m, const T* old) {
          for (std::int64_t i = 0; i < n; ++i) o[i] = m[i] ? filling : old[i];
        },
        out, operand<const bool>(separate, target.shape()), operand<const T>(target, target.shape()));
  });
  target.bump_version();
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check_mask("masked_select", mask);
  const Dims shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  if (shape.empty()) return masked_select(reshape(x, {1}), reshape(mask, {1}));
  return take(expand(x, shape), positions_at(expand(mask, shape)), "MaskedSelectBackward");
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  check_mask("masked_scatter", mask);
  if (!broadcasts_to(mask.shape(), x.shape()))
    fail<RuntimeError>("masked_scatter: the mask of shape ", mask.shape(), " does not broadcast to the tensor of shape ", x.shape());
  if (x.ndim() == 0) return reshape(masked_scatter(reshape(x, {1}), reshape(mask, {1}), source), {});
  const Positions at = positions_at(expand(mask, x.shape()));
  const std::int64_t count = at.dims[0].index.numel();
  if (source.numel() < count)
    fail<RuntimeError>("masked_scatter: the mask has ", count, " true elements, and the source of shape ", source.shape(), " only ",
                       source.numel());
  return put(x, at, slice(reshape(source, {-1}), 0, 0, count), {"masked_scatter", "MaskedScatterBackward", false});
}

}  // namespace gradgate
