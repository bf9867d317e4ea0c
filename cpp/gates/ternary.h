// The gates of three inputs, y = f(a, b, c), each with its local gradients dy/da, dy/db and dy/dc.
#pragma once

#include "gates/gate.h"
#include "gates/lists.h"

namespace gradgate {

struct Lerp {
  static constexpr GateInfo info{"lerp", "Linear interpolation, a + weight * (b - a); a at weight 0 and b at weight 1, exactly.",
                                 2};
  template <class V> static constexpr V forward(V a, V b, V weight) {
    V difference = b - a;
    return select(weight < V(0.5), fma(weight, difference, a), fma(weight - V(1), difference, b));
  }
  template <class V> static constexpr V local_a(V, V, V weight, V) { return V(1) - weight; }
  template <class V> static constexpr V local_b(V, V, V weight, V) { return weight; }
  template <class V> static constexpr V local_c(V a, V b, V, V) { return b - a; }
};

}  // namespace gradgate
