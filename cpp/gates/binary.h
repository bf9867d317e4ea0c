// The gates of two inputs, y = f(a, b), each with its local gradients dy/da and dy/db.
#pragma once

#include "gates/gate.h"
#include "gates/lists.h"

namespace gradgate {

struct Add {
  static constexpr GateInfo info{"add", "Sum, a + b.", 0, Integers::keep};
  template <class V> static constexpr V forward(V a, V b) { return a + b; }
  template <class V> static constexpr V local_a(V, V, V) { return V(1); }
  template <class V> static constexpr V local_b(V, V, V) { return V(1); }
};

struct Sub {
  static constexpr GateInfo info{"sub", "Difference, a - b.", 0, Integers::keep};
  template <class V> static constexpr V forward(V a, V b) { return a - b; }
  template <class V> static constexpr V local_a(V, V, V) { return V(1); }
  template <class V> static constexpr V local_b(V, V, V) { return V(-1); }
};

struct Mul {
  static constexpr GateInfo info{"mul", "Product, a * b.", 0, Integers::keep};
  template <class V> static constexpr V forward(V a, V b) { return a * b; }
  template <class V> static constexpr V local_a(V, V b, V) { return b; }
  template <class V> static constexpr V local_b(V a, V, V) { return a; }
};

struct Div {
  static constexpr GateInfo info{"div", "Quotient, a / b.", 0};
  template <class V> static constexpr V forward(V a, V b) { return a / b; }
  template <class V> static constexpr V local_a(V, V b, V) { return V(1) / b; }
  template <class V> static constexpr V local_b(V a, V b, V) { return -(a / b) / b; }
};

struct Pow {
  static constexpr GateInfo info{"pow", "Power, a^b.", 1.5, Integers::keep};
  template <class V> static constexpr V forward(V a, V b) { return pow(a, b); }
  template <class V> static constexpr V local_a(V a, V b, V) { return select(b == V(0), V(0), b * pow(a, b - V(1))); }
  template <class V> static constexpr V local_b(V a, V b, V y) {
    return select(a == V(0), select(b >= V(0), V(0), y * log(a)), select(y == V(0), V(0), y * log(a)));
  }
};

struct Maximum {
  static constexpr GateInfo info{"maximum", "The larger of a and b, NaN if either is (both get its gradient); at a tie each gets half.",
                                 0, Integers::keep};
  template <class V> static constexpr V forward(V a, V b) { return select(a > b, a, select(a == a, b, a)); }
  template <class V> static constexpr V local_a(V a, V b, V) { return select(a < b, V(0), select(a == b, V(0.5), V(1))); }
  template <class V> static constexpr V local_b(V a, V b, V) { return select(a > b, V(0), select(a == b, V(0.5), V(1))); }
};

struct Minimum {
  static constexpr GateInfo info{"minimum", "The smaller of a and b, NaN if either is (both get its gradient); at a tie each gets half.",
                                 0, Integers::keep};
  template <class V> static constexpr V forward(V a, V b) { return select(a < b, a, select(a == a, b, a)); }
  template <class V> static constexpr V local_a(V a, V b, V) { return select(a > b, V(0), select(a == b, V(0.5), V(1))); }
  template <class V> static constexpr V local_b(V a, V b, V) { return select(a < b, V(0), select(a == b, V(0.5), V(1))); }
};

}  // namespace gradgate
