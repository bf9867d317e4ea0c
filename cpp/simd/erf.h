// The error function on Vec.
#pragma once

#include "simd/exp.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct ErfConstants;

template <>
struct ErfConstants<float> {
  // Where the two approximations meet, and where erf rounds to 1.
  static constexpr float middle = 0.875f, saturation = 3.95f;
  // erf(x) = x + x P(x^2) below; relative error 2^-26.
  static constexpr float small[] = {0x1.06eba6p-3f, -0x1.8126ecp-2f, 0x1.ce1b86p-4f, -0x1.b69b8ep-6f, 0x1.479c18p-8f, -0x1.3ba5a8p-11f};
  // erf(x) = 1 - 2^-P(x) above; relative error 2^-29.
  static constexpr float large[] = {0x1.942ecap-13f, 0x1.a0949ep+0f, 0x1.d65518p-1f, 0x1.343fdap-3f,
                                    -0x1.08f90cp-5f, 0x1.245decp-8f, -0x1.300d6ap-12f};
};

template <>
struct ErfConstants<double> {
  static constexpr double middle = 1, saturation = 5.95;
  // Relative errors 2^-56 and 2^-57.
  static constexpr double small[] = {0x1.06eba8214db68p-3,  -0x1.812746b03799dp-2,  0x1.ce2f21a03f8b9p-4,  -0x1.b82ce311a97d6p-6,
                                     0x1.565bcceeda3b7p-8,  -0x1.c02daeb70543cp-11, 0x1.f9a296b4e36b5p-14, -0x1.f4c82f121c0d9p-17,
                                     0x1.b96b589b7d25fp-20, -0x1.5b8c789404b37p-23, 0x1.d3de24fafd73ep-27, -0x1.a24005f293e7dp-31};
  static constexpr double large[] = {
      0x1.857e20f61e4bbp-21,  0x1.a0be08f11dd2ep+0,  0x1.d6435a26ce07fp-1,   0x1.2f739dd9f5d5bp-3,  -0x1.c0df7a6faa74cp-6,
      -0x1.36990ebc46922p-11, 0x1.6a4cd0feb9681p-9,  -0x1.237450168c8d1p-10, 0x1.989c96e93411fp-13, 0x1.ea7fe52fe5175p-16,
      -0x1.1431844291e83p-15, 0x1.a38e1035f7a21p-17, -0x1.9d87a302a3ab7p-19, 0x1.2120e33968742p-21, -0x1.1fa3d5f02ac42p-24,
      0x1.86077e2ba0c7dp-28,  -0x1.445ddf18e49c4p-32, 0x1.f4535d80cb307p-38};
};

// Error function.
template <class T>
inline Vec<T> erf(Vec<T> x) {
  using K = ErfConstants<T>;
  const Vec<T> a = abs(x);
  const Vec<T> small = fma(a, polynomial(x * x, K::small), a);
  // NaN, whose bits are those of a large integer, is clamped too; `small` carries it to the result.
  const Vec<T> clamped = Vec<T>::from_bits(smaller(a.bits(), Vec<T>(K::saturation).bits()));
  const ExpTwoReduction<T> k(-polynomial(clamped, K::large));
  const Vec<T> large = Vec<T>(1) - Vec<T>::from_bits(k.exp2_of_rest().bits() + k.exponent());
  return copysign(select(a > Vec<T>(K::middle), large, small), x);
}

}  // namespace gradgate::GRADGATE_ISA
