// The elementwise gates on tensors, types promoted and shapes broadcast, and with them the gates' vocabulary for V = Tensor: formulas
// whose value is computed and whose graph is recorded.
#pragma once

#include "gates/binary.h"
#include "gates/ternary.h"
#include "gates/unary.h"
#include "gates/words.h"
#include "graph/elementwise/compare.h"
#include "graph/engine/gate.h"

namespace gradgate {

// `gate` is the gate's index in UnaryGates, BinaryGates or TernaryGates; scalars may be null for the defaults.
Tensor apply_unary(int gate, const Tensor& x, const double* scalars = nullptr);
Tensor apply_binary(int gate, const Tensor& a, const Tensor& b);
Tensor apply_ternary(int gate, const Tensor& a, const Tensor& b, const Tensor& c);

const GateInfo& unary_info(int gate);
const GateInfo& binary_info(int gate);
const GateInfo& ternary_info(int gate);

template <class G>
Tensor apply(const Tensor& x) {
  return apply_unary(UnaryGates::index<G>(), x);
}
template <class G>
Tensor apply(const Tensor& a, const Tensor& b) {
  return apply_binary(BinaryGates::index<G>(), a, b);
}

#define GRADGATE_ON_TENSORS(sign, Gate) \
  inline Tensor operator sign(const Tensor& a, const Tensor& b) { return apply<Gate>(a, b); }
GRADGATE_ARITHMETIC(GRADGATE_ON_TENSORS)
#undef GRADGATE_ON_TENSORS
#define GRADGATE_ON_TENSORS(sign, word) \
  inline Tensor operator sign(const Tensor& a, const Tensor& b) { return compare(Comparison::word, a, b); }
GRADGATE_COMPARISONS(GRADGATE_ON_TENSORS)
#undef GRADGATE_ON_TENSORS
#define GRADGATE_ON_TENSORS(word, Gate, numpy) \
  inline Tensor word(const Tensor& x) { return apply<Gate>(x); }
GRADGATE_FUNCTIONS(GRADGATE_ON_TENSORS)
#undef GRADGATE_ON_TENSORS

inline Tensor operator-(const Tensor& x) { return apply<Neg>(x); }
inline Tensor select(const Tensor& condition, const Tensor& a, const Tensor& b) { return where(condition, a, b); }
inline Tensor fma(const Tensor& a, const Tensor& b, const Tensor& c) { return a * b + c; }
inline Tensor pow(const Tensor& a, const Tensor& b) { return apply<Pow>(a, b); }

}  // namespace gradgate
