// The gates that order elements.
#pragma once

#include "graph/choosing/pick.h"

namespace gradgate {

// NaN counts as larger than every number; equal elements keep their order. Gradients go back to where the values came from.
ValuesAndIndices sort(const Tensor& x, int dim, bool descending);

// The k largest or smallest along a dimension, in order. Throws RuntimeError when there are fewer.
ValuesAndIndices topk(const Tensor& x, std::int64_t k, int dim, bool largest);

// The lower median along a dimension, NaN if there is one. Throws IndexError where there are no elements.
ValuesAndIndices median(const Tensor& x, int dim, bool keepdim);
// Of all elements; NaN for none. Elements equal to it share the gradient evenly.
Tensor median(const Tensor& x);

}  // namespace gradgate
