// Choosing the gate of a power.
#include "graph/elementwise/power.h"

#include "array/copy.h"
#include "graph/elementwise/elementwise.h"

namespace gradgate {

Tensor power(const Tensor& a, const Tensor& b) {
  if (!b.is_number() || a.is_number()) return pow(a, b);
  const double exponent = *converted(b, DType::float64).data<double>();
  if (!is_floating(a.dtype())) {
    if (!is_floating(b.dtype()) && exponent < 0)
      fail<RuntimeError>("pow: integers to negative integer powers are not allowed; convert the tensor with .float()");
    return pow(a, b);
  }
  if (exponent == 2) return apply<Square>(a);
  if (exponent == 0.5) return apply<Sqrt>(a);
  if (exponent == -1) return apply<Reciprocal>(a);
  if (exponent == -0.5) return apply<Rsqrt>(a);
  return pow(a, b);
}

}  // namespace gradgate
