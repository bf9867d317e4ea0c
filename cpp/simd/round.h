// Rounding to integers on Vec.
#pragma once

#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {

// Largest integer not above x. Adding 2^(fraction bits) rounds |x| to an integer where it may have a fraction at all.
template <class T>
inline Vec<T> floor(Vec<T> x) {
  const Vec<T> large(static_cast<T>(std::int64_t{1} << LaneTraits<T>::fraction_bits));
  const Vec<T> a = abs(x);
  const Vec<T> nearest = copysign((a + large) - large, x);
  const Vec<T> below = select(nearest > x, nearest - Vec<T>(1), nearest);
  return select(a < large, below, x);
}

}  // namespace gradgate::GRADGATE_ISA
