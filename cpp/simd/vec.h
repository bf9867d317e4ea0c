// Vec<T>: one SIMD register of float or double, with the same members on every instruction set.
//
// The compilers' vector extensions give the arithmetic; only what they lack (fma, sqrt, partial
// loads and stores) is written per instruction set. Every operation rounds as IEEE 754 says, lane by
// lane, so that the register's width never shows in the result.
#pragma once

#include <cstdint>

#include "simd/isa.h"

namespace gradgate::GRADGATE_ISA {

template <class T>
struct LaneTraits;

template <>
struct LaneTraits<float> {
  using Integer = std::int32_t;
  using Unsigned = std::uint32_t;
  static constexpr int fraction_bits = 23;
  static constexpr int bias = 127;
  typedef float Register __attribute__((vector_size(kVecBytes)));
  typedef std::int32_t IntegerRegister __attribute__((vector_size(kVecBytes)));
  typedef std::uint32_t UnsignedRegister __attribute__((vector_size(kVecBytes)));
#if defined(GRADGATE_ISA_IS_avx512)
  using MaskRegister = __mmask16;
#else
  using MaskRegister = IntegerRegister;
#endif
};

template <>
struct LaneTraits<double> {
  using Integer = std::int64_t;
  using Unsigned = std::uint64_t;
  static constexpr int fraction_bits = 52;
  static constexpr int bias = 1023;
  typedef double Register __attribute__((vector_size(kVecBytes)));
  typedef std::int64_t IntegerRegister __attribute__((vector_size(kVecBytes)));
  typedef std::uint64_t UnsignedRegister __attribute__((vector_size(kVecBytes)));
#if defined(GRADGATE_ISA_IS_avx512)
  using MaskRegister = __mmask8;
#else
  using MaskRegister = IntegerRegister;
#endif
};

// The outcome of a comparison: on AVX-512 one bit for each lane, elsewhere all bits of a lane set, or none.
template <class T>
struct Mask {
  using Register = typename LaneTraits<T>::MaskRegister;
  Register r;

  friend Mask operator&(Mask a, Mask b) { return {static_cast<Register>(a.r & b.r)}; }
  friend Mask operator|(Mask a, Mask b) { return {static_cast<Register>(a.r | b.r)}; }
  friend Mask operator!(Mask a) { return {static_cast<Register>(~a.r)}; }
};

// Integer lanes as wide as T's, for work on the bits of T. Arithmetic wraps; >> keeps the sign.
template <class T>
struct Bits {
  using Register = typename LaneTraits<T>::IntegerRegister;
  using UnsignedRegister = typename LaneTraits<T>::UnsignedRegister;
  using Lane = typename LaneTraits<T>::Integer;
  Register r;

  Bits() = default;
  Bits(Register x) : r(x) {}
  explicit Bits(Lane x) : r(x - Register{}) {}

  // Computed unsigned, as signed overflow is undefined in lanes, too.
  friend Bits operator+(Bits a, Bits b) { return wrapped(a.unsigned_lanes() + b.unsigned_lanes()); }
  friend Bits operator-(Bits a, Bits b) { return wrapped(a.unsigned_lanes() - b.unsigned_lanes()); }
  friend Bits operator&(Bits a, Bits b) { return a.r & b.r; }
  friend Bits operator|(Bits a, Bits b) { return a.r | b.r; }
  friend Bits operator^(Bits a, Bits b) { return a.r ^ b.r; }
  friend Bits operator~(Bits a) { return ~a.r; }
  friend Bits operator<<(Bits a, int count) { return a.r << count; }
  friend Bits operator>>(Bits a, int count) { return a.r >> count; }
  friend Mask<T> operator<(Bits a, Bits b) { return compare_less(a, b); }
  friend Mask<T> operator==(Bits a, Bits b) { return compare_equal(a, b); }

  static Bits wrapped(UnsignedRegister x) { return reinterpret_cast<Register>(x); }
  UnsignedRegister unsigned_lanes() const { return reinterpret_cast<UnsignedRegister>(r); }
};

// >> that brings in zeros: cheap everywhere, which the shift of 64-bit lanes that keeps the sign is not.
template <class T>
inline Bits<T> shift_right_unsigned(Bits<T> a, int count) {
  return Bits<T>::wrapped(a.unsigned_lanes() >> count);
}

// The smaller integer, signed.
template <class T>
inline Bits<T> smaller(Bits<T> a, Bits<T> b) {
  return a.r < b.r ? a.r : b.r;
}

template <class T>
struct Vec {
  using Lane = T;
  using Register = typename LaneTraits<T>::Register;
  static constexpr int lanes = kVecBytes / static_cast<int>(sizeof(T));
  Register r;

  Vec() = default;
  Vec(Register x) : r(x) {}
  // Subtracting +0 keeps every value, -0 among them; adding it would not.
  explicit Vec(T x) : r(x - Register{}) {}
  template <class Number>
    requires(!__is_same(Number, T) && (__is_same(Number, int) || __is_same(Number, double) || __is_same(Number, float)))
  explicit Vec(Number x) : Vec(static_cast<T>(x)) {}

  static Vec load(const T* p) {
    Vec v;
    __builtin_memcpy(&v.r, p, sizeof(Register));
    return v;
  }
  void store(T* p) const { __builtin_memcpy(p, &r, sizeof(Register)); }

  // The first `count` lanes (0 < count <= lanes); lanes beyond are zero and memory beyond is not touched.
  static Vec load(const T* p, int count);
  void store(T* p, int count) const;

  // To an aligned place, past the caches where the instruction set can; stream_fence() comes after the last.
  void stream(T* p) const;

  // The integers as floating-point numbers; exact where |b| < 2^22 for float, 2^51 for double.
  static Vec from_integers(Bits<T> b) {
    if constexpr (sizeof(T) == 4) {
      return __builtin_convertvector(b.r, Register);
    } else {
      constexpr double shifter = 0x1.8p52;
      return Vec(reinterpret_cast<Register>(b.r + __builtin_bit_cast(std::int64_t, shifter))) - Vec(shifter);
    }
  }
  static Vec from_bits(Bits<T> b) { return reinterpret_cast<Register>(b.r); }
  Bits<T> bits() const { return reinterpret_cast<typename Bits<T>::Register>(r); }

  friend Vec operator+(Vec a, Vec b) { return a.r + b.r; }
  friend Vec operator-(Vec a, Vec b) { return a.r - b.r; }
  friend Vec operator*(Vec a, Vec b) { return a.r * b.r; }
  friend Vec operator/(Vec a, Vec b) { return a.r / b.r; }
  friend Vec operator-(Vec a) { return -a.r; }
  friend Mask<T> operator<(Vec a, Vec b) { return compare_less(a, b); }
  friend Mask<T> operator<=(Vec a, Vec b) { return compare_less_equal(a, b); }
  friend Mask<T> operator>(Vec a, Vec b) { return compare_less(b, a); }
  friend Mask<T> operator>=(Vec a, Vec b) { return compare_less_equal(b, a); }
  friend Mask<T> operator==(Vec a, Vec b) { return compare_equal(a, b); }
  friend Mask<T> operator!=(Vec a, Vec b) { return compare_not_equal(a, b); }
};

template <class T>
inline void Vec<T>::stream(T* p) const {
#if defined(GRADGATE_ISA_IS_avx512)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), (__m512i)r);
#elif defined(GRADGATE_ISA_IS_avx2)
  _mm256_stream_si256(reinterpret_cast<__m256i*>(p), (__m256i)r);
#elif defined(__x86_64__) || defined(_M_X64)
  _mm_stream_ps(reinterpret_cast<float*>(p), (__m128)r);
#else
  store(p);
#endif
}

// Other threads see what was streamed before.
inline void stream_fence() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_sfence();
#endif
}

#if defined(GRADGATE_ISA_IS_avx512)

inline Mask<float> compare_less(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.r, b.r, _CMP_LT_OQ)}; }
inline Mask<float> compare_less_equal(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.r, b.r, _CMP_LE_OQ)}; }
inline Mask<float> compare_equal(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.r, b.r, _CMP_EQ_OQ)}; }
inline Mask<float> compare_not_equal(Vec<float> a, Vec<float> b) { return {_mm512_cmp_ps_mask(a.r, b.r, _CMP_NEQ_UQ)}; }
inline Mask<double> compare_less(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.r, b.r, _CMP_LT_OQ)}; }
inline Mask<double> compare_less_equal(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.r, b.r, _CMP_LE_OQ)}; }
inline Mask<double> compare_equal(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.r, b.r, _CMP_EQ_OQ)}; }
inline Mask<double> compare_not_equal(Vec<double> a, Vec<double> b) { return {_mm512_cmp_pd_mask(a.r, b.r, _CMP_NEQ_UQ)}; }
inline Mask<float> compare_less(Bits<float> a, Bits<float> b) { return {_mm512_cmplt_epi32_mask((__m512i)a.r, (__m512i)b.r)}; }
inline Mask<float> compare_equal(Bits<float> a, Bits<float> b) { return {_mm512_cmpeq_epi32_mask((__m512i)a.r, (__m512i)b.r)}; }
inline Mask<double> compare_less(Bits<double> a, Bits<double> b) { return {_mm512_cmplt_epi64_mask((__m512i)a.r, (__m512i)b.r)}; }
inline Mask<double> compare_equal(Bits<double> a, Bits<double> b) { return {_mm512_cmpeq_epi64_mask((__m512i)a.r, (__m512i)b.r)}; }

inline Vec<float> select(Mask<float> m, Vec<float> a, Vec<float> b) { return _mm512_mask_blend_ps(m.r, b.r, a.r); }
inline Vec<double> select(Mask<double> m, Vec<double> a, Vec<double> b) { return _mm512_mask_blend_pd(m.r, b.r, a.r); }

inline bool all(Mask<float> m) { return m.r == 0xffff; }
inline bool all(Mask<double> m) { return m.r == 0xff; }

// The instruction is defined as this selection, also for NaN and zeros.
inline Vec<float> greater_or_second(Vec<float> a, Vec<float> b) { return _mm512_max_ps(a.r, b.r); }
inline Vec<double> greater_or_second(Vec<double> a, Vec<double> b) { return _mm512_max_pd(a.r, b.r); }

inline unsigned lane_bits(Mask<float> m) { return m.r; }
inline unsigned lane_bits(Mask<double> m) { return m.r; }

#else

template <class T>
inline Mask<T> compare_less(Vec<T> a, Vec<T> b) {
  return {a.r < b.r};
}
template <class T>
inline Mask<T> compare_less_equal(Vec<T> a, Vec<T> b) {
  return {a.r <= b.r};
}
template <class T>
inline Mask<T> compare_equal(Vec<T> a, Vec<T> b) {
  return {a.r == b.r};
}
template <class T>
inline Mask<T> compare_not_equal(Vec<T> a, Vec<T> b) {
  return {a.r != b.r};
}
template <class T>
inline Mask<T> compare_less(Bits<T> a, Bits<T> b) {
  return {a.r < b.r};
}
template <class T>
inline Mask<T> compare_equal(Bits<T> a, Bits<T> b) {
  return {a.r == b.r};
}

template <class T>
inline Vec<T> select(Mask<T> m, Vec<T> a, Vec<T> b) {
  return m.r ? a.r : b.r;
}

// Whether every lane of the mask is set.
template <class T>
inline bool all(Mask<T> m) {
#if defined(GRADGATE_ISA_IS_avx2)
  return _mm256_movemask_epi8((__m256i)m.r) == -1;
#elif defined(GRADGATE_ISA_IS_neon)
  return vminvq_u32((uint32x4_t)m.r) != 0;
#else
  const auto halves = reinterpret_cast<typename LaneTraits<double>::IntegerRegister>(m.r);
  return (halves[0] & halves[1]) == -1;
#endif
}

// a where it is greater than b, else b: NaN passes from b but not from a.
template <class T>
inline Vec<T> greater_or_second(Vec<T> a, Vec<T> b) {
  return select(a > b, a, b);
}

// A bit for each lane, lane 0's lowest.
#if defined(GRADGATE_ISA_IS_avx2)
inline unsigned lane_bits(Mask<float> m) { return static_cast<unsigned>(_mm256_movemask_ps((__m256)m.r)); }
inline unsigned lane_bits(Mask<double> m) { return static_cast<unsigned>(_mm256_movemask_pd((__m256d)m.r)); }
#else
template <class T>
inline unsigned lane_bits(Mask<T> m) {
  unsigned bits = 0;
  for (int i = 0; i < Vec<T>::lanes; ++i) bits |= (m.r[i] ? 1u : 0u) << i;
  return bits;
}
#endif

#endif

template <class T>
inline bool any(Mask<T> m) {
  return !all(!m);
}

template <class T>
inline Vec<T> abs(Vec<T> x) {
  using Lane = typename Bits<T>::Lane;
  constexpr Lane magnitude = static_cast<Lane>(~(std::uint64_t{1} << (8 * sizeof(T) - 1)));
  return Vec<T>::from_bits(x.bits() & Bits<T>(magnitude));
}

// |x| with the sign of s.
template <class T>
inline Vec<T> copysign(Vec<T> x, Vec<T> s) {
  using Lane = typename Bits<T>::Lane;
  constexpr Lane sign = static_cast<Lane>(std::uint64_t{1} << (8 * sizeof(T) - 1));
  return Vec<T>::from_bits((x.bits() & ~Bits<T>(sign)) | (s.bits() & Bits<T>(sign)));
}

#if defined(GRADGATE_ISA_IS_avx512)

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm512_fmadd_ps(a.r, b.r, c.r); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm512_fmadd_pd(a.r, b.r, c.r); }
inline Vec<float> sqrt(Vec<float> x) { return _mm512_sqrt_ps(x.r); }
inline Vec<double> sqrt(Vec<double> x) { return _mm512_sqrt_pd(x.r); }

template <>
inline Vec<float> Vec<float>::load(const float* p, int count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
}
template <>
inline void Vec<float>::store(float* p, int count) const {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), r);
}
template <>
inline Vec<double> Vec<double>::load(const double* p, int count) {
  return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
}
template <>
inline void Vec<double>::store(double* p, int count) const {
  _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1), r);
}

#elif defined(GRADGATE_ISA_IS_avx2)

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm256_fmadd_ps(a.r, b.r, c.r); }
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm256_fmadd_pd(a.r, b.r, c.r); }
inline Vec<float> sqrt(Vec<float> x) { return _mm256_sqrt_ps(x.r); }
inline Vec<double> sqrt(Vec<double> x) { return _mm256_sqrt_pd(x.r); }

// Lane i of the mask is set when i < count: a window that slides over ones and zeros.
inline constexpr std::int32_t kTailMask32[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
inline constexpr std::int64_t kTailMask64[8] = {-1, -1, -1, -1, 0, 0, 0, 0};

template <>
inline Vec<float> Vec<float>::load(const float* p, int count) {
  return _mm256_maskload_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTailMask32 + 8 - count)));
}
template <>
inline void Vec<float>::store(float* p, int count) const {
  _mm256_maskstore_ps(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTailMask32 + 8 - count)), r);
}
template <>
inline Vec<double> Vec<double>::load(const double* p, int count) {
  return _mm256_maskload_pd(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTailMask64 + 4 - count)));
}
template <>
inline void Vec<double>::store(double* p, int count) const {
  _mm256_maskstore_pd(p, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kTailMask64 + 4 - count)), r);
}

#else

#if defined(GRADGATE_ISA_IS_neon)
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return (Vec<float>::Register)vfmaq_f32((float32x4_t)c.r, (float32x4_t)a.r, (float32x4_t)b.r);
}
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return (Vec<double>::Register)vfmaq_f64((float64x2_t)c.r, (float64x2_t)a.r, (float64x2_t)b.r);
}
inline Vec<float> sqrt(Vec<float> x) { return (Vec<float>::Register)vsqrtq_f32((float32x4_t)x.r); }
inline Vec<double> sqrt(Vec<double> x) { return (Vec<double>::Register)vsqrtq_f64((float64x2_t)x.r); }
#else
// Correctly rounded by definition, so the C library's fma and sqrt give the same bits as the instructions.
inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  Vec<float> y;
  for (int i = 0; i < Vec<float>::lanes; ++i) y.r[i] = __builtin_fmaf(a.r[i], b.r[i], c.r[i]);
  return y;
}
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  Vec<double> y;
  for (int i = 0; i < Vec<double>::lanes; ++i) y.r[i] = __builtin_fma(a.r[i], b.r[i], c.r[i]);
  return y;
}
inline Vec<float> sqrt(Vec<float> x) {
  Vec<float> y;
  for (int i = 0; i < Vec<float>::lanes; ++i) y.r[i] = __builtin_sqrtf(x.r[i]);
  return y;
}
inline Vec<double> sqrt(Vec<double> x) {
  Vec<double> y;
  for (int i = 0; i < Vec<double>::lanes; ++i) y.r[i] = __builtin_sqrt(x.r[i]);
  return y;
}
#endif

template <class T>
inline Vec<T> Vec<T>::load(const T* p, int count) {
  Vec v{Register{}};
  __builtin_memcpy(&v.r, p, static_cast<unsigned>(count) * sizeof(T));
  return v;
}
template <class T>
inline void Vec<T>::store(T* p, int count) const {
  __builtin_memcpy(p, &r, static_cast<unsigned>(count) * sizeof(T));
}

#endif

}  // namespace gradgate::GRADGATE_ISA
