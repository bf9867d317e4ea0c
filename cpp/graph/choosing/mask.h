// Filling, selecting and scattering where a bool mask is true.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// value where the mask is true, else x; the mask and x broadcast. value has one element, and x's type after a conversion that must not go
// to a lower kind. Throws RuntimeError.
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);
// The same, written to the target, to whose shape the mask broadcasts.
void masked_fill_into(const char* operation, const Tensor& target, const Tensor& mask, const Tensor& value);

// The elements of x where the mask is true, of shape (N,); x and the mask broadcast.
Tensor masked_select(const Tensor& x, const Tensor& mask);

// x with the elements where the mask is true taken from source, in row-major order; the mask and x broadcast. Throws RuntimeError when
// source has too few elements.
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);

}  // namespace gradgate
