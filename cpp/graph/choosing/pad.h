// The padding gates.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// x with before[i] elements of `value` in front of dimension i and after[i] behind; negative counts crop.
Tensor pad(const Tensor& x, const Dims& before, const Dims& after, double value);

// Where the elements around come from: mirrored at the border elements, those themselves, or the other end.
enum class Border { reflect, replicate, circular };
// x with elements of its own around it. Throws RuntimeError where a dimension has too few for that.
Tensor pad_with_own(Border border, const Tensor& x, const Dims& before, const Dims& after);

}  // namespace gradgate
