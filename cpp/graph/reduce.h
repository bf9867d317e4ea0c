// The reducing gates.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

// `dims` lists the dimensions to reduce, each once, not negative; an empty list reduces all of a tensor with dimensions.
// Sums of bools and integers are int64, as in PyTorch.
Tensor sum(const Tensor& x, const Dims& dims = {}, bool keepdim = false);

}  // namespace gradgate
