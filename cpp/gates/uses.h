// Uses: the reading of a gate's local gradient that tells which values it needs from the forward pass.
#pragma once

#include "gates/gate.h"
#include "gates/words.h"

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

#define GRADGATE_OPERATOR(sign, name) \
  constexpr Uses operator sign(Uses a, Uses b) { return unite(a, b); }
#define GRADGATE_FUNCTION(word, gate, numpy) \
  constexpr Uses word(Uses x) { return x; }
GRADGATE_ARITHMETIC(GRADGATE_OPERATOR)
GRADGATE_COMPARISONS(GRADGATE_OPERATOR)
GRADGATE_FUNCTIONS(GRADGATE_FUNCTION)
#undef GRADGATE_OPERATOR
#undef GRADGATE_FUNCTION
constexpr Uses operator-(Uses a) { return a; }
constexpr Uses select(Uses condition, Uses a, Uses b) { return unite(condition, a, b); }
constexpr Uses fma(Uses a, Uses b, Uses c) { return unite(a, b, c); }
constexpr Uses pow(Uses a, Uses b) { return unite(a, b); }

// The bits of a gate's inputs, in order, and of its output.
inline constexpr unsigned kFirstInput = 1, kSecondInput = 2, kThirdInput = 4, kOutput = 8;

// What the local gradient by an input needs.
template <class G>
constexpr unsigned unary_needs() {
  constexpr double scalars[kMaxGateScalars] = {};
  return unary_local<G>(Uses::of(kFirstInput), Uses::of(kOutput), scalars).values;
}
template <class G>
constexpr unsigned binary_needs(int input) {
  constexpr Uses a = Uses::of(kFirstInput), b = Uses::of(kSecondInput), y = Uses::of(kOutput);
  return (input == 0 ? G::local_a(a, b, y) : G::local_b(a, b, y)).values;
}
template <class G>
constexpr unsigned ternary_needs(int input) {
  constexpr Uses a = Uses::of(kFirstInput), b = Uses::of(kSecondInput), c = Uses::of(kThirdInput), y = Uses::of(kOutput);
  return (input == 0 ? G::local_a(a, b, c, y) : input == 1 ? G::local_b(a, b, c, y) : G::local_c(a, b, c, y)).values;
}

// What a gate keeps from the forward pass when every gradient is wanted.
enum class Saves { nothing, inputs, output, both };

constexpr bool saves_inputs(Saves s) { return s == Saves::inputs || s == Saves::both; }
constexpr bool saves_output(Saves s) { return s == Saves::output || s == Saves::both; }

constexpr Saves saves_for(unsigned needs) {
  const bool inputs = needs & ~kOutput, output = needs & kOutput;
  return inputs && output ? Saves::both : inputs ? Saves::inputs : output ? Saves::output : Saves::nothing;
}

template <class G>
constexpr Saves unary_saves() {
  return saves_for(unary_needs<G>());
}
template <class G>
constexpr Saves binary_saves() {
  return saves_for(binary_needs<G>(0) | binary_needs<G>(1));
}
template <class G>
constexpr Saves ternary_saves() {
  return saves_for(ternary_needs<G>(0) | ternary_needs<G>(1) | ternary_needs<G>(2));
}

}  // namespace gradgate
