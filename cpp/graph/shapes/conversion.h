// The gates that copy: to memory of its own, to another type, to row-major order; and writing a result in place.
#pragma once

#include "graph/engine/record.h"

namespace gradgate {

// The same values in memory of their own, in another type, in row-major order (t itself when it is that already).
Tensor clone(const Tensor& t);
Tensor cast(const Tensor& t, DType dtype);
Tensor contiguous(const Tensor& t);

// Writes the result of a gate, converted to the target's type, to the target, of the same shape, and makes the target the result in
// the graph, too. Throws RuntimeError for a result of a higher kind.
void replace(const char* operation, const Tensor& target, const Tensor& result);

}  // namespace gradgate
