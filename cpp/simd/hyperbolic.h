// sinh, cosh and tanh on Vec.
#pragma once

#include "simd/exp.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct HyperbolicConstants;

template <>
struct HyperbolicConstants<float> {
  // Beyond it e^x / 2 overflows; and beyond the other tanh rounds to 1.
  static constexpr float overflow = 89.5f, saturation = 10;
  // sinh(x) = x + x^3 P(x^2) for |x| <= 1, relative error 2^-31.6.
  static constexpr float sinh[] = {0x1.555556p-3f, 0x1.1110ep-7f, 0x1.a022bcp-13f, 0x1.756c1ep-19f};
  // tanh(x) = x + x^3 P(x^2) for |x| <= 5/8, relative error 2^-27.7.
  static constexpr float tanh[] = {-0x1.555532p-2f, 0x1.1106f6p-3f, -0x1.b835a4p-5f, 0x1.51f8cep-6f, -0x1.750ce4p-8f};
};

template <>
struct HyperbolicConstants<double> {
  static constexpr double overflow = 710.5, saturation = 20;
  // Relative error 2^-61.8.
  static constexpr double sinh[] = {0x1.5555555555556p-3,  0x1.111111111101ep-7,  0x1.a01a01a03726ap-13, 0x1.71de3a3b06a1p-19,
                                    0x1.ae646ff530a41p-26, 0x1.6116f48ba38a1p-33, 0x1.b5c89f7a5047bp-41};
  // Relative error 2^-56.4.
  static constexpr double tanh[] = {-0x1.55555555554ffp-2, 0x1.111111110ac94p-3,   -0x1.ba1ba1b503afbp-5, 0x1.664f477a63f05p-6,
                                    -0x1.226e161fe3212p-7, 0x1.d6cf268b916bcp-9,   -0x1.7d6893bbda82bp-10, 0x1.3365ae0153474p-11,
                                    -0x1.df524b054779dp-13, 0x1.4389e4d50e083p-14, -0x1.0d98fc656e4cbp-16};
};

// e^a / 4 = high + low for 0 <= a <= overflow; the fourth part keeps it within the finite numbers.
template <class T>
struct QuarterExp {
  Vec<T> high, low;

  explicit QuarterExp(Vec<T> a) {
    constexpr auto two = typename Bits<T>::Lane{2} << LaneTraits<T>::fraction_bits;
    const ExpReduction<T> k(a);
    const Vec<T> scale = Vec<T>::from_bits(k.power_of_two().bits() - Bits<T>(two));
    const Vec<T> rest = k.high + fma(k.high * k.high, polynomial(k.high, ExpConstants<T>::tail), k.low());
    const Vec<T> p = Vec<T>(1) + rest;
    high = p * scale;
    low = (rest - (p - Vec<T>(1))) * scale;
  }
};

// Hyperbolic sine: a polynomial for |x| < 1, else (e^|x| - e^-|x|) / 2.
template <class T>
inline Vec<T> sinh(Vec<T> x) {
  using K = HyperbolicConstants<T>;
  const Vec<T> a = abs(x);
  const Vec<T> square = x * x;
  const Vec<T> small = fma(a * square, polynomial(square, K::sinh), a);
  const QuarterExp<T> e(select(a > Vec<T>(K::overflow), Vec<T>(K::overflow), a));
  const Vec<T> large = Vec<T>(2) * (e.high - (Vec<T>(0.0625) / e.high - e.low));
  return copysign(select(a >= Vec<T>(1), large, small), x);
}

// Hyperbolic cosine, (e^|x| + e^-|x|) / 2.
template <class T>
inline Vec<T> cosh(Vec<T> x) {
  using K = HyperbolicConstants<T>;
  const Vec<T> a = abs(x);
  const QuarterExp<T> e(select(a > Vec<T>(K::overflow), Vec<T>(K::overflow), a));
  return Vec<T>(2) * (e.high + (Vec<T>(0.0625) / e.high + e.low));
}

// Hyperbolic tangent: a polynomial for |x| <= 5/8, else 1 - 2 / (e^2|x| + 1).
template <class T>
inline Vec<T> tanh(Vec<T> x) {
  using K = HyperbolicConstants<T>;
  const Vec<T> a = abs(x);
  const Vec<T> square = x * x;
  const Vec<T> small = fma(a * square, polynomial(square, K::tanh), a);
  // NaN, whose bits are those of a large integer, is clamped too; `small` carries it to the result.
  const Vec<T> clamped = Vec<T>::from_bits(smaller(a.bits(), Vec<T>(K::saturation).bits()));
  const ExpReduction<T> k(clamped + clamped);
  const Vec<T> large = Vec<T>(1) - Vec<T>(2) / fma(k.power_of_two(), k.exp_of_high(), Vec<T>(1));
  return copysign(select(a > Vec<T>(0.625), large, small), x);
}

}  // namespace gradgate::GRADGATE_ISA
