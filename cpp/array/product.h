// Products of vectors and matrices.
#pragma once

#include "array/array.h"

namespace gradgate {

// out = a b for vectors, matrices or equal batches of these, of one type; `out` is contiguous. The bias, if any, is contiguous and added
// to every row. Throws RuntimeError for bools.
void multiply(const char* operation, const Array& a, const Array& b, const Array& out, const Array* bias = nullptr);

}  // namespace gradgate
