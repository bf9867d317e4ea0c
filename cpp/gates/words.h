// The words of formulas, each once: from this list every reading of the gates' definitions takes its functions and operators.
//
// A reading defines a macro of three or two arguments and hands it to the list, as gates/uses.h does. select, fma and pow take more
// operands than one, and each reading writes them by hand; so does simd/, where the functions are computed.
#pragma once

// FUNCTION(word, Gate, numpy): y = word(x), the gate that computes it on tensors, and what NumPy calls it. A name without "np." is one
// of the functions that a listing of flat code defines at its start.
#define GRADGATE_FUNCTIONS(FUNCTION)   \
  FUNCTION(abs, Abs, "np.abs")         \
  FUNCTION(sqrt, Sqrt, "np.sqrt")      \
  FUNCTION(floor, Floor, "np.floor")   \
  FUNCTION(exp, Exp, "np.exp")         \
  FUNCTION(expm1, Expm1, "np.expm1")   \
  FUNCTION(log, Log, "np.log")         \
  FUNCTION(log1p, Log1p, "np.log1p")   \
  FUNCTION(sin, Sin, "np.sin")         \
  FUNCTION(cos, Cos, "np.cos")         \
  FUNCTION(tan, Tan, "np.tan")         \
  FUNCTION(sinh, Sinh, "np.sinh")      \
  FUNCTION(cosh, Cosh, "np.cosh")      \
  FUNCTION(asin, Asin, "np.arcsin")    \
  FUNCTION(acos, Acos, "np.arccos")    \
  FUNCTION(atan, Atan, "np.arctan")    \
  FUNCTION(tanh, Tanh, "np.tanh")      \
  FUNCTION(erf, Erf, "erf")

// OPERATOR(sign, Gate): a sign b, and the gate that computes it on tensors.
#define GRADGATE_ARITHMETIC(OPERATOR) OPERATOR(+, Add) OPERATOR(-, Sub) OPERATOR(*, Mul) OPERATOR(/, Div)

// COMPARISON(sign, word): a sign b, and Python's word for it.
#define GRADGATE_COMPARISONS(COMPARISON) \
  COMPARISON(<, lt) COMPARISON(<=, le) COMPARISON(>, gt) COMPARISON(>=, ge) COMPARISON(==, eq) COMPARISON(!=, ne)
