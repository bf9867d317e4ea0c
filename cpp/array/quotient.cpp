// Divides with a rule of rounding.
#include "array/quotient.h"

#include <cmath>
#include <type_traits>

#include "array/copy.h"
#include "gates/integer.h"

namespace gradgate {
namespace {

// The smallest integer over -1 overflows, which C++ leaves undefined.
template <class T>
bool negates(T b) {
  return std::is_signed_v<T> && b == T(-1);
}

// a % b as C has it. IEEE 754 makes fmod exact, and so the same on every machine.
template <class T>
T truncated_remainder(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::fmod(a, b);
  else
    return negates(b) ? T(0) : static_cast<T>(a % b);
}

template <class T>
T remainder_of(Rounding rounding, T a, T b) {
  const T left = truncated_remainder(a, b);
  return rounding == Rounding::floor && left != T(0) && (left < T(0)) != (b < T(0)) ? static_cast<T>(left + b) : left;
}

template <class T>
T quotient_of(Rounding rounding, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (b == T(0)) return a / b;
    if (rounding == Rounding::truncate) return std::trunc(a / b);
    // From the exact remainder, since a / b may be rounded up to the next integer.
    const T left = std::fmod(a, b), quotient = (a - left) / b - T(left != T(0) && (left < T(0)) != (b < T(0)));
    if (quotient == T(0)) return std::copysign(T(0), a / b);
    const T below = std::floor(quotient);
    return quotient - below > T(0.5) ? below + T(1) : below;
  } else {
    const bool differ = rounding == Rounding::floor && remainder_of(Rounding::truncate, a, b) != T(0) && (a < T(0)) != (b < T(0));
    const T quotient = negates(b) ? (-Integer<T>(a)).v : static_cast<T>(a / b);
    return static_cast<T>(quotient - (differ ? 1 : 0));
  }
}

template <class T>
void check_divisor(const char* operation, const Array& b) {
  if constexpr (std::is_integral_v<T>) {
    const Array divisor = packed(b);
    for (std::int64_t i = 0; i < divisor.numel(); ++i)
      if (divisor.data<T>()[i] == T(0))
        fail<RuntimeError>(operation, ": ZeroDivisionError: integers cannot be divided by zero; convert them with .float()");
  }
}

// out = f(rounding, a, b) on every pair of elements.
template <class F>
void run(const char* operation, Rounding rounding, const Array& a, const Array& b, const Array& out, F f) {
  const Dims& shape = out.shape();
  visit(out.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      if (out.numel() > 0) check_divisor<T>(operation, b);
      elementwise<T, T, T>(
          shape,
          [&](std::int64_t n, T* o, const T* u, const T* v) {
            for (std::int64_t i = 0; i < n; ++i) o[i] = f(rounding, u[i], v[i]);
          },
          {out.data<T>(), out.strides()}, operand<const T>(a, shape), operand<const T>(b, shape));
    }
  });
}

}  // namespace

void rounded_quotient(const char* operation, Rounding rounding, const Array& a, const Array& b, const Array& out) {
  run(operation, rounding, a, b, out, [](Rounding r, auto u, auto v) { return quotient_of(r, u, v); });
}

void remainder(const char* operation, Rounding rounding, const Array& a, const Array& b, const Array& out) {
  run(operation, rounding, a, b, out, [](Rounding r, auto u, auto v) { return remainder_of(r, u, v); });
}

}  // namespace gradgate
