// The gates that order elements, and what sorting finds.
#pragma once

#include <optional>

#include "graph/reduce_extreme.h"
#include "graph/tensor.h"

namespace gradgate {

// NaN counts as larger than every number; equal elements keep their order. Gradients go back to where the values came from.
ValuesAndIndices sort(const Tensor& x, int dim, bool descending);

// The k largest or smallest along a dimension, in order. Throws RuntimeError when there are fewer.
ValuesAndIndices topk(const Tensor& x, std::int64_t k, int dim, bool largest);

// The lower median along a dimension, NaN if there is one. Throws IndexError where there are no elements.
ValuesAndIndices median(const Tensor& x, int dim, bool keepdim);
// Of all elements; NaN for none. Elements equal to it share the gradient evenly.
Tensor median(const Tensor& x);

struct Unique {
  Tensor values;   // ascending; every NaN is one of its own
  Tensor inverse;  // of x's shape: where each element stands among the values
  Tensor counts;
};
Unique unique(const Tensor& x);

// How often each integer from 0 on occurs in the 1-d x, or the sums of the weights of its occurrences; at least `minlength` of them.
// Throws RuntimeError for other shapes and types and for negative values.
Tensor bincount(const Tensor& x, const std::optional<Tensor>& weights, std::int64_t minlength);

}  // namespace gradgate
