// Uses: the reading of a gate's local gradient that tells which values it needs from the forward pass.
#pragma once

namespace gradgate {

// A set of values, as bits; every operation of the gates' vocabulary unites those of its operands.
struct Uses {
  unsigned values = 0;

  constexpr Uses() = default;
  template <class Number>
  constexpr explicit Uses(Number) {}
  static constexpr Uses of(unsigned bits) {
    Uses u;
    u.values = bits;
    return u;
  }
};

template <class... Operands>
constexpr Uses unite(Operands... operands) {
  return Uses::of((operands.values | ...));
}

constexpr Uses operator+(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator-(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator*(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator/(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator-(Uses a) { return a; }
constexpr Uses operator<(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator<=(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator>(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator>=(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator==(Uses a, Uses b) { return unite(a, b); }
constexpr Uses operator!=(Uses a, Uses b) { return unite(a, b); }
constexpr Uses select(Uses condition, Uses a, Uses b) { return unite(condition, a, b); }
constexpr Uses fma(Uses a, Uses b, Uses c) { return unite(a, b, c); }
constexpr Uses pow(Uses a, Uses b) { return unite(a, b); }
constexpr Uses abs(Uses x) { return x; }
constexpr Uses sqrt(Uses x) { return x; }
constexpr Uses floor(Uses x) { return x; }
constexpr Uses exp(Uses x) { return x; }
constexpr Uses expm1(Uses x) { return x; }
constexpr Uses log(Uses x) { return x; }
constexpr Uses log1p(Uses x) { return x; }
constexpr Uses sin(Uses x) { return x; }
constexpr Uses cos(Uses x) { return x; }
constexpr Uses tan(Uses x) { return x; }
constexpr Uses sinh(Uses x) { return x; }
constexpr Uses cosh(Uses x) { return x; }
constexpr Uses asin(Uses x) { return x; }
constexpr Uses acos(Uses x) { return x; }
constexpr Uses atan(Uses x) { return x; }
constexpr Uses tanh(Uses x) { return x; }
constexpr Uses erf(Uses x) { return x; }

// The bits of a gate's inputs, in order, and of its output.
inline constexpr unsigned kFirstInput = 1, kSecondInput = 2, kThirdInput = 4, kOutput = 8;

// What the local gradient by input 0 or 1 of a binary gate needs.
template <class G>
constexpr unsigned binary_needs(int input) {
  constexpr Uses a = Uses::of(kFirstInput), b = Uses::of(kSecondInput), y = Uses::of(kOutput);
  return (input == 0 ? G::local_a(a, b, y) : G::local_b(a, b, y)).values;
}

}  // namespace gradgate
