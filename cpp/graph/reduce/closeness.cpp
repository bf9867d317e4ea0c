// Compares tensors, off the graph.
#include "graph/reduce/closeness.h"

#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/node.h"
#include "graph/engine/types.h"
#include "graph/reduce/logic.h"
#include "graph/shapes/conversion.h"

namespace gradgate {

bool equal(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && *all(a == b).data<bool>(); }

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  const GradMode off(false);
  const DType common = result_type(a, b), dtype = is_floating(common) ? common : DType::float64;
  const Tensor x = cast(a, dtype), y = cast(b, dtype), difference = abs(x - y);
  const Tensor near = logical(Logic::conjunction, isfinite(difference), difference <= number(atol) + abs(number(rtol) * y));
  const Tensor close = logical(Logic::disjunction, x == y, near);
  return equal_nan ? logical(Logic::disjunction, close, logical(Logic::conjunction, isnan(x), isnan(y))) : close;
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return *all(isclose(a, b, rtol, atol, equal_nan)).data<bool>();
}

}  // namespace gradgate
