// Bool masks: where they are true, and the gates that fill, select and scatter there.
#pragma once

#include <vector>

#include "graph/tensor.h"

namespace gradgate {

// For each of the mask's dimensions the positions of its true elements along it, int64 of shape (N), in row-major order.
std::vector<Tensor> mask_positions(const Tensor& mask);

// The positions of x's elements that are not zero: int64 of shape (N, ndim).
Tensor nonzero(const Tensor& x);

// value where the mask is true, else x; the mask broadcasts to x's shape or x to the mask's. value has one element, and x's type after a
// conversion that must not go to a lower kind. Throws RuntimeError.
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Tensor& value);
// The same, written to the target, to whose shape the mask broadcasts.
void masked_fill_into(const char* operation, const Tensor& target, const Tensor& mask, const Tensor& value);

// The elements of x where the mask is true, of shape (N); x and the mask broadcast.
Tensor masked_select(const Tensor& x, const Tensor& mask);

// x with the elements where the mask is true taken from source, in row-major order; the mask broadcasts to x's shape. Throws RuntimeError
// when source has too few elements.
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);

}  // namespace gradgate
