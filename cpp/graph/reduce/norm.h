// Vector norms.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// The p-norm of the elements over `dims` (all when empty): (sum |x|^p)^(1/p); for p = 0 the count of elements that are not zero, for
// plus and minus infinity the largest and the smallest magnitude. Where the norm is 0 the gradient is 0.
// Throws RuntimeError for integers and bools, and IndexError for infinite p where there are no elements.
Tensor norm(const Tensor& x, double p = 2, const Dims& dims = {}, bool keepdim = false);

}  // namespace gradgate
