// The functions on masks in terms of other gates.
#include "graph/choosing/mask.h"

#include "array/copy.h"
#include "array/mask.h"
#include "graph/choosing/positions.h"
#include "graph/elementwise/compare.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kMaskedSelect("masked_select"), kMaskedScatter("masked_scatter");

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
  return cast(value.ndim() == 0 ? value : reshape(value, {}), x.dtype());
}

// The mask's true elements, of a tensor of its shape.
IndexTensors positions_at(const Array& mask) {
  IndexTensors at;
  const Array m = mask.ndim() ? mask : mask.viewed({1}, {1});
  for (const Array& index : true_positions(m)) {
    const int dim = static_cast<int>(at.index.size());
    at.how.dims.push_back({dim, dim});
    at.index.push_back(Tensor(index));
  }
  return at;
}

}  // namespace

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
    overwrite(operation, target, where(mask, v, before_change(target)));
    return;
  }
  const auto apart = [&](const Array& a) { return may_overlap(a, target) ? copied(a) : a; };
  choose(apart(mask), apart(v), target, target);
  target.bump_version();
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check_mask("masked_select", mask);
  const Dims shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  return take(expand(x, shape), positions_at(expand(mask, shape)), kMaskedSelect);
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  check_mask("masked_scatter", mask);
  const Dims shape = broadcast_shapes("masked_scatter", x.shape(), mask.shape());
  const IndexTensors at = positions_at(expand(mask, shape));
  const std::int64_t count = at.index[0].numel();
  if (source.numel() < count)
    fail<RuntimeError>("masked_scatter: the mask has ", count, " true elements, and the source of shape ", source.shape(), " only ",
                       source.numel());
  const Tensor values = slice(reshape(source, {-1}), 0, 0, count);
  return put(expand(x, shape), {at, values, {"masked_scatter", kMaskedScatter, false}});
}

}  // namespace gradgate
