// The elementwise gates on tensors, types promoted and shapes broadcast, and with them the gates' vocabulary for V = Tensor: formulas
// whose value is computed and whose graph is recorded.
#pragma once

#include "gates/binary.h"
#include "gates/ternary.h"
#include "gates/unary.h"
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

inline Tensor operator+(const Tensor& a, const Tensor& b) { return apply<Add>(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return apply<Sub>(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return apply<Mul>(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return apply<Div>(a, b); }
inline Tensor operator-(const Tensor& x) { return apply<Neg>(x); }
inline Tensor operator<(const Tensor& a, const Tensor& b) { return compare(Comparison::lt, a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return compare(Comparison::le, a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return compare(Comparison::gt, a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return compare(Comparison::ge, a, b); }
inline Tensor operator==(const Tensor& a, const Tensor& b) { return compare(Comparison::eq, a, b); }
inline Tensor operator!=(const Tensor& a, const Tensor& b) { return compare(Comparison::ne, a, b); }

inline Tensor select(const Tensor& condition, const Tensor& a, const Tensor& b) { return where(condition, a, b); }
inline Tensor fma(const Tensor& a, const Tensor& b, const Tensor& c) { return a * b + c; }
inline Tensor pow(const Tensor& a, const Tensor& b) { return apply<Pow>(a, b); }
inline Tensor abs(const Tensor& x) { return apply<Abs>(x); }
inline Tensor sqrt(const Tensor& x) { return apply<Sqrt>(x); }
inline Tensor exp(const Tensor& x) { return apply<Exp>(x); }
inline Tensor expm1(const Tensor& x) { return apply<Expm1>(x); }
inline Tensor log(const Tensor& x) { return apply<Log>(x); }
inline Tensor log1p(const Tensor& x) { return apply<Log1p>(x); }
inline Tensor sin(const Tensor& x) { return apply<Sin>(x); }
inline Tensor cos(const Tensor& x) { return apply<Cos>(x); }
inline Tensor tan(const Tensor& x) { return apply<Tan>(x); }
inline Tensor sinh(const Tensor& x) { return apply<Sinh>(x); }
inline Tensor cosh(const Tensor& x) { return apply<Cosh>(x); }
inline Tensor asin(const Tensor& x) { return apply<Asin>(x); }
inline Tensor acos(const Tensor& x) { return apply<Acos>(x); }
inline Tensor atan(const Tensor& x) { return apply<Atan>(x); }
inline Tensor tanh(const Tensor& x) { return apply<Tanh>(x); }
inline Tensor erf(const Tensor& x) { return apply<Erf>(x); }
inline Tensor floor(const Tensor& x) { return apply<Floor>(x); }

}  // namespace gradgate
