// Powers of lanes: pow on Vec.
#pragma once

#include "simd/exp.h"
#include "simd/log.h"
#include "simd/round.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct PowConstants;

template <>
struct PowConstants<float> {
  static constexpr float third = 0x1.555556p-2f, third_low = -0x1.555556p-27f;
  static constexpr float two_log2_e = 0x1.715476p+1f, two_log2_e_low = 0x1.4ae0cp-25f;
  // Where 2^h is normal, and where it is inf or 0.
  static constexpr float normal = 126, range = 160;
  // atanh(s) = s + s^3 / 3 + s^5 P(s^2) for |s| <= 1/5; minimax, relative error 2^-34.5.
  static constexpr float tail[] = {0x1.999aap-3f, 0x1.241a42p-3f, 0x1.e8e776p-4f};
};

template <>
struct PowConstants<double> {
  static constexpr double third = 0x1.5555555555555p-2, third_low = 0x1.5555555555555p-56;
  static constexpr double two_log2_e = 0x1.71547652b82fep+1, two_log2_e_low = 0x1.777d0ffda0d24p-55;
  static constexpr double normal = 1022, range = 1100;
  // Relative error 2^-69.
  static constexpr double tail[] = {0x1.9999999999968p-3, 0x1.2492492498d62p-3, 0x1.c71c71bc72c37p-4, 0x1.745d1bc5354c9p-4,
                                    0x1.3b1298891278ep-4, 0x1.113a161131a79p-4, 0x1.dad082b513f06p-5, 0x1.017dabd83c4aap-4};
};

// An unevaluated sum, |low| at most half a unit in the last place of high or little more.
template <class T>
struct Expansion {
  Vec<T> high, low;
};

template <class T>
inline Expansion<T> product(Vec<T> a, Vec<T> b) {
  const Vec<T> high = a * b;
  return {high, fma(a, b, -high)};
}

// a + b for |a| >= |b|, exactly.
template <class T>
inline Expansion<T> ordered_sum(Vec<T> a, Vec<T> b) {
  const Vec<T> high = a + b;
  return {high, (a - high) + b};
}

// e + log2(m) to about twice T's precision, for m in [2/3, 4/3): log(m) = 2 atanh(s), s = (m - 1) / (m + 1).
template <class T>
inline Expansion<T> log2_of_parts(Vec<T> e, Vec<T> m) {
  using K = PowConstants<T>;
  const Vec<T> f = m - Vec<T>(1);
  const Vec<T> divisor = m + Vec<T>(1);
  const Vec<T> divisor_low = m - (divisor - Vec<T>(1));
  const Vec<T> inverse = Vec<T>(1) / divisor;
  const Vec<T> s = f * inverse;
  const Vec<T> s_low = fma(-s, divisor_low, fma(-s, divisor, f)) * inverse;
  const Expansion<T> z = product(s, s);
  const Vec<T> z_low = fma(s + s, s_low, z.low);
  const Expansion<T> q = ordered_sum(Vec<T>(K::third), fma(z.high, polynomial(z.high, K::tail), Vec<T>(K::third_low)));
  const Expansion<T> cube = product(s, z.high);
  const Vec<T> cube_low = fma(s_low, z.high, fma(s, z_low, cube.low));
  const Expansion<T> v = product(cube.high, q.high);
  const Vec<T> v_low = fma(cube_low, q.high, fma(cube.high, q.low, v.low));
  const Expansion<T> l = ordered_sum(s, v.high);
  const Vec<T> l_low = l.low + (s_low + v_low);
  const Expansion<T> g = product(l.high, Vec<T>(K::two_log2_e));
  const Vec<T> g_low = fma(l_low, Vec<T>(K::two_log2_e), fma(l.high, Vec<T>(K::two_log2_e_low), g.low));
  const Expansion<T> whole = ordered_sum(e, g.high);
  return {whole.high, whole.low + g_low};
}

// a^y for any a > 0 or NaN, as 2^(y log2(a)).
template <class T>
inline Expansion<T> log2_of_power(Expansion<T> log2_a, Vec<T> y) {
  const Expansion<T> h = product(log2_a.high, y);
  return {h.high, fma(log2_a.low, y, h.low)};
}

template <class T>
[[gnu::noinline, gnu::cold]] inline Vec<T> pow_of_any(Vec<T> x, Vec<T> y) {
  using K = PowConstants<T>;
  const Vec<T> zero(0), one(1), infinity(__builtin_inf()), nan(__builtin_nan(""));
  const Vec<T> a = abs(x), size = abs(y);
  const Mask<T> subnormal = a < Vec<T>(LogConstants<T>::smallest_normal);
  const LogReduction<T> k(select(subnormal, a * Vec<T>(LogConstants<T>::raise), a));
  const Vec<T> e = k.e() - select(subnormal, Vec<T>(LogConstants<T>::raised_by), zero);
  Expansion<T> h = log2_of_power(log2_of_parts(e, k.m()), y);
  // Beyond the range the low part may be inf - inf.
  const Vec<T> range(K::range);
  h.low = select(abs(h.high) < range, h.low, zero);
  h.high = select(h.high > range, range, h.high);
  h.high = select(h.high < -range, -range, h.high);
  const ExpTwoReduction<T> two(h.high, h.low);
  Vec<T> p = scale_fully(two.exp2_of_rest(), two.shifted.bits() - Vec<T>(ExpConstants<T>::shifter).bits());

  p = select((a == zero) | (a == infinity) | (size == infinity),
             select(((a > one) & (y > zero)) | ((a < one) & (y < zero)), infinity, zero), p);
  const Vec<T> half = Vec<T>(0.5) * y;
  const Mask<T> whole = floor(y) == y, odd = whole & (floor(half) != half);
  p = select(odd, copysign(p, x), p);
  p = select((x < zero) & (a < infinity) & !whole, nan, p);
  p = select((x != x) | (y != y), nan, p);
  return select((y == zero) | (x == one) | ((a == one) & (size == infinity)), one, p);
}

// x^y with C's special values. log2(x) and its product with y are carried to about twice the precision.
template <class T>
inline Vec<T> pow(Vec<T> x, Vec<T> y) {
  const LogReduction<T> k(x);
  const Expansion<T> h = log2_of_power(log2_of_parts(k.e(), k.m()), y);
  if (!all(is_positive_normal(x) & (abs(h.high) < Vec<T>(PowConstants<T>::normal)))) [[unlikely]]
    return pow_of_any(x, y);
  const ExpTwoReduction<T> two(h.high, h.low);
  return Vec<T>::from_bits(two.exp2_of_rest().bits() + two.exponent());
}

}  // namespace gradgate::GRADGATE_ISA
