// The gates that find the largest and the smallest elements, and where they are.
#pragma once

#include <optional>

#include "graph/tensor.h"

namespace gradgate {

// NaN counts as the extreme everywhere, and the first of equal elements is the one that is found.
enum class Extreme { max, min };

struct ValuesAndIndices {
  Tensor values, indices;
};

// Over `dims` (all when empty); `operation` names the gate in errors and node names, "max" or "amax" and so on. Equal extremes share
// the gradient evenly. Throws RuntimeError or IndexError where there are no elements.
Tensor extreme_value(Extreme which, const char* operation, const Tensor& x, const Dims& dims, bool keepdim);

// Makes `values`, each an element of x over `dims`, the result of the gate `operation` when gates are recorded: the elements that equal it
// share its gradient evenly. `which` says what it finds, nothing standing for the median of all.
Tensor record_shared(Tensor values, const char* operation, const Tensor& x, const Dims& dims, std::optional<Extreme> which,
                     bool keepdim = false);

// Along one dimension, with int64 positions; the gradient goes to those positions alone.
ValuesAndIndices extreme_along(Extreme which, const Tensor& x, int dim, bool keepdim);

// Positions along one dimension or, without it, in the flattened tensor.
Tensor extreme_index(Extreme which, const Tensor& x, std::optional<int> dim, bool keepdim);

}  // namespace gradgate
