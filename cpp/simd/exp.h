// exp and expm1 on Vec, with the reduction that the functions built on e^x share.
#pragma once

#include "simd/polynomial.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float log2_e = 0x1.715476p+0f;
  static constexpr float ln2_high = 0x1.62e43p-1f, ln2_low = -0x1.05c61p-29f;
  // Added to |n| < 2^22, it leaves n in the low bits; its own low bits are zero.
  static constexpr float shifter = 0x1.8p23f;
  // Where 2^n e^r neither overflows nor leaves the normal numbers, and where the result is inf or 0.
  static constexpr float normal = 87, overflow = 89, underflow = -104;
  // e^r = 1 + r + r^2 P(r) for |r| <= ln(2)/2; minimax, relative error 2^-28.2.
  static constexpr float tail[] = {0x1.fffffcp-2f, 0x1.55548cp-3f, 0x1.55585ap-5f, 0x1.123e02p-7f, 0x1.6ac648p-10f};
  // 2^r = 1 + r P(r) for |r| <= 1/2; minimax, relative error 2^-27.5.
  static constexpr float exp2_tail[] = {0x1.62e432p-1f, 0x1.ebfbe6p-3f,  0x1.c6ada8p-5f,
                                        0x1.3b21cap-7f, 0x1.5fbcfcp-10f, 0x1.4bd978p-13f};
};

template <>
struct ExpConstants<double> {
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double ln2_high = 0x1.62e42fefa39efp-1, ln2_low = 0x1.abc9e3b39803fp-56;
  static constexpr double shifter = 0x1.8p52;
  static constexpr double normal = 708, overflow = 710, underflow = -746;
  // Relative error 2^-57.
  static constexpr double tail[] = {0x1.000000000000ap-1,  0x1.55555555554d4p-3,  0x1.5555555550516p-5,  0x1.11111111207b3p-7,
                                    0x1.6c16c18570025p-10, 0x1.a01a019417ccap-13, 0x1.a019954ece04dp-16, 0x1.71ddc44653835p-19,
                                    0x1.28b2c3dd2acd6p-22, 0x1.b045fb5e8654cp-26};
  // Relative error 2^-54.9.
  static constexpr double exp2_tail[] = {0x1.62e42fefa39f3p-1,  0x1.ebfbdff82c599p-3,  0x1.c6b08d7048dd2p-5,  0x1.3b2ab6fba1b48p-7,
                                         0x1.5d87fe7bcf4d4p-10, 0x1.4309130989e0ap-13, 0x1.ffcbeeacda2c6p-17, 0x1.62bfd65cff9fbp-20,
                                         0x1.b53f3cfbaff6p-24,  0x1.e5fefb47b33f6p-28, 0x1.c4e779a62366dp-32};
};

// x = n ln(2) + high + low, with |high| <= ln(2)/2 and a rounded n; low is the rounding error of high.
template <class T>
struct ExpReduction {
  using K = ExpConstants<T>;
  Vec<T> shifted, n, exact, high;

  explicit ExpReduction(Vec<T> x) {
    shifted = fma(x, Vec<T>(K::log2_e), Vec<T>(K::shifter));
    n = shifted - Vec<T>(K::shifter);
    exact = fma(n, Vec<T>(-K::ln2_high), x);
    high = fma(n, Vec<T>(-K::ln2_low), exact);
  }
  Vec<T> low() const { return fma(n, Vec<T>(-K::ln2_low), exact - high); }

  // n in the exponent's place, to be added to the bits of a number.
  Bits<T> exponent() const { return shifted.bits() << LaneTraits<T>::fraction_bits; }
  // 2^n, for n within the exponents of normal numbers.
  Vec<T> power_of_two() const { return Vec<T>::from_bits(exponent() + Vec<T>(1).bits()); }
  // e^high, by Horner's rule.
  Vec<T> exp_of_high() const {
    const Vec<T> first = fma(polynomial(high, K::tail), high, Vec<T>(1));
    return fma(first, high, Vec<T>(1));
  }
};

// x + low = n + rest, with |rest| <= 1/2, for a small correction `low`.
template <class T>
struct ExpTwoReduction {
  using K = ExpConstants<T>;
  Vec<T> shifted, rest;

  explicit ExpTwoReduction(Vec<T> x) : shifted(x + Vec<T>(K::shifter)), rest(x - (shifted - Vec<T>(K::shifter))) {}
  ExpTwoReduction(Vec<T> x, Vec<T> low) : ExpTwoReduction(x) { rest = rest + low; }

  Bits<T> exponent() const { return shifted.bits() << LaneTraits<T>::fraction_bits; }
  Vec<T> exp2_of_rest() const { return fma(polynomial(rest, K::exp2_tail), rest, Vec<T>(1)); }
};

// p 2^n for p in [1/2, 2) and any n within four times the exponents' range, rounded once.
template <class T>
inline Vec<T> scale_fully(Vec<T> p, Bits<T> n) {
  constexpr int fraction = LaneTraits<T>::fraction_bits;
  using Lane = typename Bits<T>::Lane;
  const Bits<T> one = Vec<T>(1).bits();
  // Made positive first, since a shift that keeps the sign of 64-bit lanes is dear.
  const Bits<T> half = shift_right_unsigned(n + Bits<T>(Lane{4096}), 1) - Bits<T>(Lane{2048});
  return p * Vec<T>::from_bits((half << fraction) + one) * Vec<T>::from_bits(((n - half) << fraction) + one);
}

// e^x with overflow, subnormal results and NaN; the same bits as exp() where that needs no help.
template <class T>
[[gnu::noinline, gnu::cold]] inline Vec<T> exp_of_any(Vec<T> x) {
  using K = ExpConstants<T>;
  const Vec<T> above = select(x < Vec<T>(K::underflow), Vec<T>(K::underflow), x);
  const ExpReduction<T> k(select(above > Vec<T>(K::overflow), Vec<T>(K::overflow), above));
  return scale_fully(k.exp_of_high(), k.shifted.bits() - Vec<T>(K::shifter).bits());
}

// e^x. Cody and Waite's reduction by ln 2, a minimax polynomial, the exponent added as an integer.
template <class T>
inline Vec<T> exp(Vec<T> x) {
  using K = ExpConstants<T>;
  if (!all(abs(x) <= Vec<T>(K::normal))) [[unlikely]]
    return exp_of_any(x);
  const ExpReduction<T> k(x);
  return Vec<T>::from_bits(k.exp_of_high().bits() + k.exponent());
}

// e^x - 1 for |x| <= normal. With s = 2^n it is (s - 1 + s r) + s (e^r - 1 - r): s r is exact, and so is
// s - 1 where it matters.
template <class T>
inline Vec<T> expm1_of_normal(Vec<T> x) {
  const ExpReduction<T> k(x);
  const Vec<T> s = k.power_of_two();
  const Vec<T> rest = fma(k.high * k.high, polynomial(k.high, ExpConstants<T>::tail), k.low());
  return copysign(fma(s, rest, fma(s, k.high, s - Vec<T>(1))), x);
}

template <class T>
[[gnu::noinline, gnu::cold]] inline Vec<T> expm1_of_any(Vec<T> x) {
  const Vec<T> normal(ExpConstants<T>::normal);
  const Vec<T> above = select(x < -normal, -normal, x);
  return select(x > normal, exp_of_any(x), expm1_of_normal(select(above > normal, normal, above)));
}

// e^x - 1, accurate near 0.
template <class T>
inline Vec<T> expm1(Vec<T> x) {
  if (!all(abs(x) <= Vec<T>(ExpConstants<T>::normal))) [[unlikely]]
    return expm1_of_any(x);
  return expm1_of_normal(x);
}

}  // namespace gradgate::GRADGATE_ISA
