// sin, cos and tan on Vec.
#pragma once

#include "simd/polynomial.h"
#include "simd/trig_reduction.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct TrigPolynomials;

template <>
struct TrigPolynomials<float> {
  // sin(r) = r + r^3 P(r^2), cos(r) = 1 - r^2/2 + r^4 P(r^2), tan(r) = r + r^3 P(r^2) for |r| <= pi/4 + 0.004;
  // minimax, relative errors 2^-27.9, 2^-32.9 and 2^-29.3.
  static constexpr float sin[] = {-0x1.555546p-3f, 0x1.11076ep-7f, -0x1.994e2ap-13f};
  static constexpr float cos[] = {0x1.55554ap-5f, -0x1.6c0c2p-10f, 0x1.99e428p-16f};
  static constexpr float tan[] = {0x1.555562p-2f, 0x1.110d1ap-3f,   0x1.baf0bap-5f, 0x1.5bd4d4p-6f,
                                  0x1.67951p-7f,  -0x1.71b0aap-14f, 0x1.24a53ep-8f};
};

template <>
struct TrigPolynomials<double> {
  // Relative errors 2^-58, 2^-63.9 and 2^-56.2.
  static constexpr double sin[] = {-0x1.5555555555549p-3, 0x1.111111110f8a6p-7,   -0x1.a01a019c1618ap-13,
                                   0x1.71de357b19ae3p-19, -0x1.ae5e689c5c594p-26, 0x1.5d93a37299796p-33};
  static constexpr double cos[] = {0x1.555555555554bp-5,   -0x1.6c16c16c15015p-10, 0x1.a01a019c8f248p-16,
                                   -0x1.27e4f7f190075p-22, 0x1.1ee9dbcd9edc1p-29,  -0x1.8fa68390483dbp-37};
  static constexpr double tan[] = {0x1.55555555554f2p-2,   0x1.11111111182cep-3,   0x1.ba1ba1b46ba0ap-5,   0x1.664f49a867807p-6,
                                   0x1.226e125ac3bbfp-7,   0x1.d6d933b33deb3p-9,   0x1.7d5b5c9dfcc87p-10,  0x1.37fa8b90fa093p-11,
                                   0x1.d270bfae7a238p-13,  0x1.1e2921444a669p-13,  -0x1.b8f8768793db3p-16, 0x1.76ccc39df7209p-14,
                                   -0x1.78088e5332118p-15, 0x1.5dd3c83a2061fp-16};
};

template <class T>
inline Mask<T> is_odd(Bits<T> n) {
  const Bits<T> one(typename Bits<T>::Lane{1});
  return (n & one) == one;
}

// The sine of quadrant pi/2 + high + low, `negative` where its sign bit is set turning the sign round.
template <class T>
inline Vec<T> sin_of_angle(const Angle<T>& angle, Bits<T> negative) {
  using K = TrigPolynomials<T>;
  const Vec<T> r = angle.high;
  const Vec<T> square = r * r;
  const Vec<T> half = Vec<T>(0.5) * square;
  const Vec<T> sine = fma(r * square, polynomial(square, K::sin), fma(-half, angle.low, angle.low)) + r;
  const Vec<T> main = Vec<T>(1) - half;
  const Vec<T> main_low = fma(-r, angle.low, (Vec<T>(1) - main) - half);
  const Vec<T> cosine = fma(square * square, polynomial(square, K::cos), main_low) + main;
  const Bits<T> two(typename Bits<T>::Lane{2});
  const Bits<T> turned = (angle.quadrant & two) << (8 * static_cast<int>(sizeof(T)) - 2);
  return Vec<T>::from_bits(select(is_odd(angle.quadrant), cosine, sine).bits() ^ turned ^ negative);
}

// Sine.
template <class T>
inline Vec<T> sin(Vec<T> x) {
  const Vec<T> a = abs(x);
  return sin_of_angle(reduce_angle(a), x.bits() ^ a.bits());
}

// Cosine: the sine a quarter turn ahead.
template <class T>
inline Vec<T> cos(Vec<T> x) {
  using Lane = typename Bits<T>::Lane;
  Angle<T> angle = reduce_angle(abs(x));
  angle.quadrant = angle.quadrant + Bits<T>(Lane{1});
  return sin_of_angle(angle, Bits<T>(Lane{0}));
}

// Tangent: t = tan(high + low), or -1/t in the odd quadrants, there with one step of Newton's for 1/t.
template <class T>
inline Vec<T> tan(Vec<T> x) {
  const Vec<T> a = abs(x);
  const Angle<T> angle = reduce_angle(a);
  const Vec<T> r = angle.high;
  const Vec<T> square = r * r;
  const Vec<T> tail = r * square * polynomial(square, TrigPolynomials<T>::tan);
  const Vec<T> rough = r + tail;
  const Vec<T> rest = fma(fma(rough, rough, Vec<T>(1)), angle.low, tail);
  const Vec<T> t = r + rest;
  const Vec<T> t_low = (r - t) + rest;
  const Vec<T> v = Vec<T>(-1) / t;
  const Vec<T> cotangent = fma(v, fma(v, t_low, fma(v, t, Vec<T>(1))), v);
  return Vec<T>::from_bits(select(is_odd(angle.quadrant), cotangent, t).bits() ^ x.bits() ^ a.bits());
}

}  // namespace gradgate::GRADGATE_ISA
