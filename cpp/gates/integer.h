// Integer<T>: the integer reading of a gate's definition; arithmetic wraps, as in PyTorch.
#pragma once

#include <type_traits>

namespace gradgate {

template <class T>
struct Integer {
  using Unsigned = std::make_unsigned_t<T>;
  T v;

  Integer() = default;
  explicit Integer(T x) : v(x) {}
  template <class Number>
    requires(!std::is_same_v<Number, T>)
  explicit Integer(Number x) : v(static_cast<T>(x)) {}

  // Types narrower than int are widened by the language, so that wrapping is a conversion back.
  static Integer wrap(Unsigned x) { return Integer(static_cast<T>(x)); }
  friend Integer operator+(Integer a, Integer b) { return wrap(static_cast<Unsigned>(Unsigned(a.v) + Unsigned(b.v))); }
  friend Integer operator-(Integer a, Integer b) { return wrap(static_cast<Unsigned>(Unsigned(a.v) - Unsigned(b.v))); }
  friend Integer operator*(Integer a, Integer b) { return wrap(static_cast<Unsigned>(Unsigned(a.v) * Unsigned(b.v))); }
  friend Integer operator-(Integer a) { return Integer(T(0)) - a; }
  friend bool operator<(Integer a, Integer b) { return a.v < b.v; }
  friend bool operator<=(Integer a, Integer b) { return a.v <= b.v; }
  friend bool operator>(Integer a, Integer b) { return a.v > b.v; }
  friend bool operator>=(Integer a, Integer b) { return a.v >= b.v; }
  friend bool operator==(Integer a, Integer b) { return a.v == b.v; }
  friend bool operator!=(Integer a, Integer b) { return a.v != b.v; }
};

template <class T>
Integer<T> select(bool condition, Integer<T> a, Integer<T> b) {
  return condition ? a : b;
}
template <class T>
Integer<T> abs(Integer<T> x) {
  return x.v < T(0) ? -x : x;
}
template <class T>
Integer<T> floor(Integer<T> x) {
  return x;
}

// By repeated squaring; a negative exponent gives the truncated quotient, as NumPy would if it allowed it.
template <class T>
Integer<T> pow(Integer<T> base, Integer<T> exponent) {
  if (exponent.v < T(0)) {
    if (base.v == T(1)) return base;
    if (base == -Integer<T>(1)) return Integer<T>(exponent.v % 2 ? -1 : 1);
    return Integer<T>(0);
  }
  Integer<T> result(1);
  for (auto e = static_cast<std::make_unsigned_t<T>>(exponent.v); e; e = static_cast<decltype(e)>(e >> 1)) {
    if (e & 1) result = result * base;
    base = base * base;
  }
  return result;
}

}  // namespace gradgate
