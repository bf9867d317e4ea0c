// asin, acos and atan on Vec.
#pragma once

#include "simd/polynomial.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct InverseTrigConstants;

template <>
struct InverseTrigConstants<float> {
  static constexpr float half_pi = 0x1.921fb6p+0f, half_pi_low = -0x1.777a5cp-25f;
  // asin(x) = x + x^3 P(x^2) for |x| <= 1/2, atan(x) = x + x^3 P(x^2) for |x| <= 1; minimax, relative errors
  // 2^-27.6 and 2^-28.5.
  static constexpr float asin[] = {0x1.5555c8p-3f, 0x1.330204p-4f, 0x1.747bbap-5f, 0x1.8c3e2ap-6f, 0x1.595c8cp-5f};
  static constexpr float atan[] = {-0x1.55553ep-2f, 0x1.9991e4p-3f,  -0x1.242084p-3f, 0x1.c08c1ap-4f, -0x1.580814p-4f,
                                   0x1.da24cap-5f,  -0x1.fd6fbcp-6f, 0x1.6410e6p-7f,  -0x1.d32dbcp-10f};
};

template <>
struct InverseTrigConstants<double> {
  static constexpr double half_pi = 0x1.921fb54442d18p+0, half_pi_low = 0x1.1a62633145c07p-54;
  // Relative errors 2^-55.9 and 2^-55.5.
  static constexpr double asin[] = {0x1.555555555539p-3,   0x1.333333336e82cp-4,  0x1.6db6db4278545p-5,
                                    0x1.f1c72c39ce9abp-6,  0x1.6e89f428f42d1p-6,  0x1.1c6be32a9a623p-6,
                                    0x1.c6fda14d71bbcp-7,  0x1.8ec3de51eea82p-7,  0x1.abc75b5178fa1p-8,
                                    0x1.3ffa5e5b1ce83p-6,  -0x1.09dc6efb55fc4p-6, 0x1.0570b43a903abp-5};
  static constexpr double atan[] = {-0x1.5555555555525p-2, 0x1.9999999995544p-3,  -0x1.249249237e1ddp-3,  0x1.c71c717f9369cp-4,
                                    -0x1.745d11aae105ap-4, 0x1.3b136675425e1p-4,  -0x1.110e501776616p-4,  0x1.e1bb9ae390452p-5,
                                    -0x1.ae5e43443cbf8p-5, 0x1.82da410fb5b8bp-5,  -0x1.59a28bbcca982p-5,  0x1.2c2b8fe9c41bbp-5,
                                    -0x1.e9f197dbd6bd6p-6, 0x1.6832d5e5abbacp-6,  -0x1.c77dc6eda4448p-7,  0x1.d7a085dacb969p-8,
                                    -0x1.7a210dd4eb874p-9, 0x1.b3d9212d8679bp-11, -0x1.3f19eb335c416p-13, 0x1.bbc146c6815d3p-17};
};

// turn pi/2 - (s + rest) for |s| >= |rest|, with the rounding error of the first difference.
template <class T>
inline Vec<T> turn_back(T turn, Vec<T> s, Vec<T> rest) {
  using K = InverseTrigConstants<T>;
  const Vec<T> right(turn * K::half_pi);
  const Vec<T> difference = right - s;
  return difference + (((right - difference) - s) + (Vec<T>(turn * K::half_pi_low) - rest));
}

// |x| and what asin and acos make of it: asin(s) = s + rest where s is |x|, or sqrt((1 - |x|) / 2) where that is below 1/2.
template <class T>
struct ArcSine {
  Mask<T> far;
  Vec<T> s, rest;

  explicit ArcSine(Vec<T> x) {
    const Vec<T> a = abs(x), half(0.5);
    far = a > half;
    const Vec<T> square = select(far, fma(-half, a, half), a * a);
    s = select(far, sqrt(square), a);
    rest = s * square * polynomial(square, InverseTrigConstants<T>::asin);
  }
};

// Inverse sine; beyond 1/2 by asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)).
template <class T>
inline Vec<T> asin(Vec<T> x) {
  const ArcSine<T> k(x);
  return copysign(select(k.far, turn_back(T(1), k.s + k.s, k.rest + k.rest), k.s + k.rest), x);
}

// Inverse cosine; beyond 1/2 by acos(x) = 2 asin(sqrt((1 - x) / 2)), and pi minus that of -x where x < 0.
template <class T>
inline Vec<T> acos(Vec<T> x) {
  const ArcSine<T> k(x);
  const Mask<T> negative = x < Vec<T>(0);
  const Vec<T> s = select(k.far, k.s + k.s, copysign(k.s, x));
  const Vec<T> rest = select(k.far, k.rest + k.rest, copysign(k.rest, x));
  const Vec<T> near = turn_back(T(1), s, rest);
  return select(k.far, select(negative, turn_back(T(2), s, rest), s + rest), near);
}

// Inverse tangent; beyond 1 by atan(x) = pi/2 - atan(1/x).
template <class T>
inline Vec<T> atan(Vec<T> x) {
  const Vec<T> a = abs(x);
  const Mask<T> far = a > Vec<T>(1);
  const Vec<T> u = select(far, Vec<T>(1) / a, a);
  const Vec<T> square = u * u;
  const Vec<T> rest = u * square * polynomial(square, InverseTrigConstants<T>::atan);
  return copysign(select(far, turn_back(T(1), u, rest), u + rest), x);
}

}  // namespace gradgate::GRADGATE_ISA
