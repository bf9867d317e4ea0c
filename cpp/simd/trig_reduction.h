// The reduction of an angle by multiples of pi/2, which sin, cos and tan share.
#pragma once

#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct TrigConstants;

template <>
struct TrigConstants<float> {
  static constexpr float two_over_pi = 0x1.45f306p-1f;
  static constexpr float half_pi[] = {0x1.921fb6p+0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f};
  static constexpr float shifter = 0x1.8p23f;
  // Up to here the quotient's rounding error keeps |remainder| below pi/4 + 0.004, where the polynomials hold.
  static constexpr float largest_near = 0x1p15f;
};

template <>
struct TrigConstants<double> {
  static constexpr double two_over_pi = 0x1.45f306dc9c883p-1;
  static constexpr double half_pi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  static constexpr double shifter = 0x1.8p52;
  static constexpr double largest_near = 0x1p30;
};

// a = (4 k + quadrant) pi/2 + high + low.
template <class T>
struct Angle {
  Bits<T> quadrant;  // in the two low bits; the others are arbitrary
  Vec<T> high, low;
};

// Cody and Waite's reduction with pi/2 in three parts, for 0 <= a <= largest_near.
template <class T>
inline Angle<T> reduce_near_angle(Vec<T> a) {
  using K = TrigConstants<T>;
  const Vec<T> shifted = fma(a, Vec<T>(K::two_over_pi), Vec<T>(K::shifter));
  const Vec<T> n = shifted - Vec<T>(K::shifter);
  // The first remainder is exact: both terms are multiples of 2^-24 (2^-53) and it is below 1.
  const Vec<T> first = fma(-n, Vec<T>(K::half_pi[0]), a);
  const Vec<T> product = n * Vec<T>(K::half_pi[1]);
  const Vec<T> product_low = fma(n, Vec<T>(K::half_pi[1]), -product);
  const Vec<T> high = first - product;
  const Vec<T> low = ((first - high) - product) - product_low;
  return {shifted.bits(), high, fma(-n, Vec<T>(K::half_pi[2]), low)};
}

// 2/pi in binary: the first word is before the point, the others after it.
inline constexpr std::uint64_t kTwoOverPi[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
    0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
    0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab};

struct ScalarAngle {
  std::int64_t quadrant;
  double high, low;
};

// f 2^-126 as the sum of two doubles.
inline ScalarAngle fraction_as_doubles(unsigned __int128 f, bool negative) {
  if (f == 0) return {0, 0, 0};
  const auto top = static_cast<std::uint64_t>(f >> 64);
  const int zeros = top ? __builtin_clzll(top) : 64 + __builtin_clzll(static_cast<std::uint64_t>(f));
  f <<= zeros;
  const double unit = __builtin_bit_cast(double, static_cast<std::uint64_t>(1023 - 126 + 75 - zeros) << 52);
  const auto high = static_cast<double>(static_cast<std::int64_t>(f >> 75));
  const auto low = static_cast<double>(static_cast<std::int64_t>((f << 53) >> 75));
  return {0, (negative ? -high : high) * unit, (negative ? -low : low) * (unit * 0x1p-53)};
}

// Payne and Hanek's reduction of one finite a >= 2^15, in integers. With a = m 2^e, the bits of 2/pi above
// 2^(2-e) contribute multiples of four quarter turns; of the 192 bits that follow, m's product gives 2 bits before
// the point and, truncated, 126 after it. At most 62 of these are leading zeros, so 64 are significant at worst.
inline ScalarAngle reduce_far_angle(double a) {
  using Wide = unsigned __int128;
  const auto bits = __builtin_bit_cast(std::uint64_t, a);
  const std::uint64_t m = (bits & 0xfffffffffffff) | 0x10000000000000;
  const int skipped = static_cast<int>(bits >> 52) - 1075 - 2 + 64;
  const std::uint64_t* words = kTwoOverPi + skipped / 64;
  const int shift = skipped % 64;
  std::uint64_t window[3];
  for (int i = 0; i < 3; ++i) window[i] = shift ? words[i] << shift | words[i + 1] >> (64 - shift) : words[i];
  const Wide low = static_cast<Wide>(m) * window[2];
  const Wide middle = static_cast<Wide>(m) * window[1] + static_cast<std::uint64_t>(low >> 64);
  const std::uint64_t top = m * window[0] + static_cast<std::uint64_t>(middle >> 64);
  const Wide turns = static_cast<Wide>(top) << 64 | static_cast<std::uint64_t>(middle);
  // To the nearest quarter turn, so that the remainder lies within pi/4 of it.
  const Wide quadrant = (turns + (Wide{1} << 125)) >> 126;
  const Wide remainder = turns - (quadrant << 126);
  const bool negative = static_cast<std::int64_t>(remainder >> 64) < 0;
  ScalarAngle r = fraction_as_doubles(negative ? -remainder : remainder, negative);
  constexpr const double* half_pi = TrigConstants<double>::half_pi;
  const double product = r.high * half_pi[0];
  const double rest = __builtin_fma(r.high, half_pi[0], -product) + (r.high * half_pi[1] + r.low * half_pi[0]);
  const double high = product + rest;
  return {static_cast<std::int64_t>(quadrant & 3), high, rest - (high - product)};
}

// The reduction of any a >= 0: the lanes beyond the near ones by integers, inf and NaN to NaN.
template <class T>
[[gnu::noinline, gnu::cold]] inline Angle<T> reduce_any_angle(Vec<T> a) {
  const Vec<T> limit(TrigConstants<T>::largest_near);
  Angle<T> angle = reduce_near_angle(select(a <= limit, a, Vec<T>(0)));
  for (int i = 0; i < Vec<T>::lanes; ++i) {
    if (a.r[i] <= limit.r[i]) continue;
    const bool finite = a.r[i] < static_cast<T>(__builtin_inf());
    const ScalarAngle far = finite ? reduce_far_angle(a.r[i]) : ScalarAngle{0, __builtin_nan(""), 0};
    angle.quadrant.r[i] = static_cast<typename Bits<T>::Lane>(far.quadrant);
    angle.high.r[i] = static_cast<T>(far.high);
    angle.low.r[i] = static_cast<T>(far.high - static_cast<double>(angle.high.r[i]) + far.low);
  }
  return angle;
}

template <class T>
inline Angle<T> reduce_angle(Vec<T> a) {
  if (!all(a <= Vec<T>(TrigConstants<T>::largest_near))) [[unlikely]]
    return reduce_any_angle(a);
  return reduce_near_angle(a);
}

}  // namespace gradgate::GRADGATE_ISA
