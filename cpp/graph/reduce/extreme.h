// The gates that find the largest and the smallest elements, and where they are.
#pragma once

#include <optional>

#include "graph/choosing/pick.h"

namespace gradgate {

// NaN counts as the extreme everywhere, and the first of equal elements is the one that is found.
enum class Extreme { max, min };

extern const GateKind kMax, kMin, kAmax, kAmin;

// Over `dims` (all when empty); `kind` names the gate in errors and in the graph. Equal extremes share the gradient evenly. Throws
// RuntimeError or IndexError where there are no elements.
Tensor extreme_value(Extreme which, const GateKind& kind, const Tensor& x, const Dims& dims, bool keepdim);

// Along one dimension, with int64 positions; the gradient goes to those positions alone.
ValuesAndIndices extreme_along(Extreme which, const Tensor& x, int dim, bool keepdim);

// Positions along one dimension or, without it, in the flattened tensor.
Tensor extreme_index(Extreme which, const Tensor& x, std::optional<int> dim, bool keepdim);

}  // namespace gradgate
