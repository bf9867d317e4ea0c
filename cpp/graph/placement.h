// The pair of gates behind slices: taking some elements of a tensor, and placing them among zeros.
#pragma once

#include "gates/text.h"
#include "graph/tensor.h"

namespace gradgate {

// Where the elements of a part lie in a whole; `offset` and `strides` count elements. The whole fills one block of memory, row-major
// unless `layout` gives its strides.
struct Placement {
  Dims whole, part, strides;
  std::int64_t offset;
  Dims layout{};
};

// The part of x, whose shape is p.whole.
Tensor take(const Tensor& x, const Placement& p, const char* name = "AsStridedBackward");
// A tensor of shape p.whole with x at the part and zeros elsewhere; elements that the part shows several times add.
Tensor place(const Tensor& x, const Placement& p);

// x with zeros at the part.
Tensor clear(const Tensor& x, const Placement& p);

// x with these values at the part, unrecorded, and as text.
Tensor replaced(const Tensor& x, const Placement& p, const Tensor& values);
Text replaced_text(const Text& x, const Placement& p, const Text& values);

// Makes `part` the result of taking p from x, in the graph.
Tensor record_take(Tensor part, const Tensor& x, const Placement& p, const char* name = "AsStridedBackward");

}  // namespace gradgate
