// GateInfo: what a gate's definition says of itself besides its formulas.
//
// A gate is a struct with a `static constexpr GateInfo info`, a `forward` and its local gradients, all
// templates over the value type V. A reading of the definition (SIMD lanes, Tensor, text, sets of values; integers
// where the gate keeps them) supplies V(number), select, fma, pow, and the functions and operators of words.h.
#pragma once

namespace gradgate {

// A number that a gate takes besides its tensors, with its default.
struct GateScalar {
  const char* name = nullptr;
  double value = 0;
};

// What the gate does with tensors of integers: compute in integers, or convert them to the default
// floating-point type first.
enum class Integers { promote, keep };

inline constexpr int kMaxGateScalars = 2;

struct GateInfo {
  const char* name;
  const char* summary;
  // Bound of the float32 forward's error in units in the last place: of the result or, where the formula cancels, of the
  // larger magnitude that the tests' reference of the gate names. 0 means exact or correctly rounded.
  double ulp;
  Integers integers = Integers::promote;
  GateScalar scalars[kMaxGateScalars] = {};
  const char* reference_note = nullptr;  // where the formula or a convention of it comes from

  constexpr int scalar_count() const {
    int count = 0;
    while (count < kMaxGateScalars && scalars[count].name) ++count;
    return count;
  }
};

// Calls f(values..., V(scalars[0]), ...) with as many scalars as the gate takes.
template <class G, class V, class F, class... Values>
constexpr auto with_scalars(F f, const double* scalars, const Values&... values) {
  if constexpr (G::info.scalar_count() == 0)
    return f(values...);
  else if constexpr (G::info.scalar_count() == 1)
    return f(values..., V(scalars[0]));
  else
    return f(values..., V(scalars[0]), V(scalars[1]));
}

// The gate's forward and local gradient on values of type V, with its scalars filled in.
template <class G, class V>
constexpr V unary_forward(const V& x, const double* scalars) {
  return with_scalars<G, V>([](const auto&... a) { return G::template forward<V>(a...); }, scalars, x);
}
template <class G, class V>
constexpr V unary_local(const V& x, const V& y, const double* scalars) {
  return with_scalars<G, V>([](const auto&... a) { return G::template local<V>(a...); }, scalars, x, y);
}

}  // namespace gradgate
