// Picking, spreading, and the rules that send gradients to chosen elements.
#include "graph/choosing/pick.h"

#include "graph/choosing/positions.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kPick("pick"), kSpread("spread");

}  // namespace

Tensor pick(const Tensor& x, int dim, const Tensor& index) { return take(x, elements_at(dim, index), kPick, kSpread); }

Tensor spread(const Tensor& x, int dim, const Tensor& index, std::int64_t size) {
  Dims shape = x.shape();
  if (!shape.empty()) shape[dim] = size;
  return place(x, shape, elements_at(dim, index), kSpread, kPick);
}

void send_to_picked(BackwardContext& c, int dim, Phrase::Words words) {
  const Dims& shape = c.input_shape(0);
  Tensor index = with_dims(c.output(1), shape, {dim});
  if (tracing()) index = phrase(index, std::move(words), c.input(0));
  c.downstream(0, spread(with_dims(c.upstream(), shape, {dim}), dim, index, shape.empty() ? 1 : shape[dim]));
}

void share_among_equal(BackwardContext& c, const Dims& dims) {
  const Tensor x = detach(c.input(0)), y = with_dims(detach(c.output()), x.shape(), dims);
  const Tensor is_equal = logical(Logic::disjunction, x == y, logical(Logic::conjunction, isnan(x), isnan(y)));
  const Tensor count = cast(sum(is_equal, dims, true), x.dtype());
  c.downstream(0, where(is_equal, with_dims(c.upstream(), x.shape(), dims) / count, zeros({}, x.dtype())));
}

}  // namespace gradgate
