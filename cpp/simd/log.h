// log and log1p on Vec.
#pragma once

#include "simd/polynomial.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct LogConstants;

template <>
struct LogConstants<float> {
  static constexpr float ln2 = 0x1.62e43p-1f;
  static constexpr float smallest_normal = 0x1p-126f, raise = 0x1p23f, raised_by = 23;
  // log(1 + f) = f + f^2 P(f) for |f| <= 1/3; minimax, relative error 2^-27.6.
  static constexpr float tail[] = {-0x1p-1f,       0x1.5554fap-2f,  -0x1.ffff94p-3f, 0x1.99d58ap-3f, -0x1.557e2ep-3f,
                                   0x1.1e82b6p-3f, -0x1.f6b394p-4f, 0x1.1ff0d4p-3f,  -0x1.ffb3bep-4f};
};

template <>
struct LogConstants<double> {
  static constexpr double ln2 = 0x1.62e42fefa39efp-1, ln2_low = 0x1.abc9e3b39803fp-56;
  static constexpr double smallest_normal = 0x1p-1022, raise = 0x1p52, raised_by = 52;
  // log(1 + f) = 2s + s z P(z) with s = f / (2 + f), z = s^2; minimax for |s| <= 1/5, relative error 2^-55.9.
  static constexpr double tail[] = {0x1.555555555577ap-1, 0x1.99999998efa72p-2, 0x1.249249b2e822ap-2, 0x1.c71c00e695488p-3,
                                    0x1.7474f6ca6b7f4p-3, 0x1.385146bdef8f8p-3, 0x1.3aca497c77b1fp-3};
};

// x = 2^e m with m in [2/3, 4/3), for normal x > 0.
template <class T>
struct LogReduction {
  using Lane = typename Bits<T>::Lane;
  static constexpr int fraction = LaneTraits<T>::fraction_bits;
  static constexpr Lane two_thirds = __builtin_bit_cast(Lane, static_cast<T>(2.0 / 3));
  static constexpr Lane fraction_mask = (Lane{1} << fraction) - 1;
  Bits<T> from_two_thirds;

  explicit LogReduction(Vec<T> x) : from_two_thirds(x.bits() - Bits<T>(two_thirds)) {}
  Vec<T> m() const { return Vec<T>::from_bits((from_two_thirds & Bits<T>(fraction_mask)) + Bits<T>(two_thirds)); }
  // e in the exponent's place.
  Bits<T> exponent() const { return from_two_thirds & Bits<T>(~fraction_mask); }
  Vec<T> e() const {
    if constexpr (sizeof(T) == 4) {
      return Vec<T>::from_integers(from_two_thirds >> fraction);
    } else {
      // Raised to be positive, since a shift that keeps the sign of 64-bit lanes is dear.
      constexpr Lane raise = 2048;
      return Vec<T>::from_integers(shift_right_unsigned(from_two_thirds + Bits<T>(raise << fraction), fraction) - Bits<T>(raise));
    }
  }
};

// e ln(2) + log(1 + f) for f in [-1/3, 1/3]; `low` adds a term far below f to the logarithm.
inline Vec<float> log_of_parts(Vec<float> e, Vec<float> f) {
  using K = LogConstants<float>;
  return fma(e, Vec<float>(K::ln2), fma(f * f, polynomial(f, K::tail), f));
}
inline Vec<float> log_of_parts(Vec<float> e, Vec<float> f, Vec<float> low) {
  using K = LogConstants<float>;
  return fma(e, Vec<float>(K::ln2), f + fma(f * f, polynomial(f, K::tail), low));
}
inline Vec<double> log_of_parts(Vec<double> e, Vec<double> f, Vec<double> low = Vec<double>(0)) {
  using K = LogConstants<double>;
  using V = Vec<double>;
  const V s = f / (V(2) + f);
  const V z = s * s;
  const V half_square = V(0.5) * f * f;
  // 2s = f - s f, and s f = f^2/2 - s f^2/2: the large terms are exact.
  const V rest = fma(s, fma(z, polynomial(z, K::tail), half_square), fma(e, V(K::ln2_low), low)) - half_square;
  return fma(e, V(K::ln2), f + rest);
}

template <class T>
inline Mask<T> is_positive_normal(Vec<T> x) {
  using Lane = typename Bits<T>::Lane;
  using Unsigned = typename LaneTraits<T>::Unsigned;
  // One signed comparison, with the smallest normal number moved to the smallest integer.
  constexpr Unsigned lowest = Unsigned{1} << (8 * sizeof(T) - 1);
  constexpr Unsigned first = __builtin_bit_cast(Unsigned, LogConstants<T>::smallest_normal);
  constexpr Unsigned end = __builtin_bit_cast(Unsigned, static_cast<T>(__builtin_inf()));
  return x.bits() + Bits<T>(static_cast<Lane>(lowest - first)) < Bits<T>(static_cast<Lane>(end - first + lowest));
}

template <class T>
[[gnu::noinline, gnu::cold]] inline Vec<T> log_of_any(Vec<T> x) {
  using K = LogConstants<T>;
  const Vec<T> infinity(__builtin_inf());
  const Mask<T> subnormal = x < Vec<T>(K::smallest_normal);
  const LogReduction<T> k(select(subnormal, x * Vec<T>(K::raise), x));
  Vec<T> y = log_of_parts(k.e() - select(subnormal, Vec<T>(K::raised_by), Vec<T>(0)), k.m() - Vec<T>(1));
  y = select(x == Vec<T>(0), -infinity, y);
  y = select(x < Vec<T>(0), Vec<T>(__builtin_nan("")), y);
  return select(x < infinity, y, x);
}

// Natural logarithm.
template <class T>
inline Vec<T> log(Vec<T> x) {
  if (!all(is_positive_normal(x))) [[unlikely]]
    return log_of_any(x);
  const LogReduction<T> k(x);
  return log_of_parts(k.e(), k.m() - Vec<T>(1));
}

// log(1 + x) for -1 < x <= 2^60. With 1 + x = 2^e m, f = m - 1 is 2^-e x + (2^-e - 1), and what rounding takes
// from it counts 1 / (1 + f), near 1 - f, in the logarithm.
template <class T>
inline Vec<T> log1p_of_moderate(Vec<T> x) {
  const LogReduction<T> k(Vec<T>(1) + x);
  const Vec<T> scale = Vec<T>::from_bits(Vec<T>(1).bits() - k.exponent());
  const Vec<T> offset = scale - Vec<T>(1);
  const Vec<T> f = fma(x, scale, offset);
  const Vec<T> lost = fma(x, scale, offset - f);
  return copysign(log_of_parts(k.e(), f, fma(-f, lost, lost)), x);
}

template <class T>
[[gnu::noinline, gnu::cold]] inline Vec<T> log1p_of_any(Vec<T> x) {
  const Vec<T> limit(0x1p60);
  const Vec<T> moderate = select((x > Vec<T>(-1)) & (x <= limit), x, Vec<T>(0));
  return select((x > Vec<T>(-1)) & (x <= limit), log1p_of_moderate(moderate), log_of_any(select(x > limit, x, x + Vec<T>(1))));
}

// log(1 + x), accurate near 0.
template <class T>
inline Vec<T> log1p(Vec<T> x) {
  if (!all((x > Vec<T>(-1)) & (x <= Vec<T>(0x1p60)))) [[unlikely]]
    return log1p_of_any(x);
  return log1p_of_moderate(x);
}

}  // namespace gradgate::GRADGATE_ISA
