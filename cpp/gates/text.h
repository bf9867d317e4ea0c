// Text: the reading of gates' definitions that writes them as NumPy expressions.
#pragma once

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace gradgate {

// The functions of a listing's preamble that an expression may need; bits of Text::needs.
enum Preamble : unsigned { kErf = 1, kReplaced = 2, kAdded = 4, kProductsOfOthers = 8, kCumprodGradient = 16 };

// How tightly the outermost operator of an expression binds, in Python.
enum class Binding { comparison, either, both, sum, product, sign, power, atom };

inline std::string joined(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (std::string_view part : parts) all += part;
  return all;
}

struct Text {
  std::string code;  // empty where there is no expression
  Binding binding = Binding::atom;
  unsigned needs = 0;
  int steps = 0;         // operations of the gates' vocabulary in it
  bool chooses = false;  // some of them choose by a condition
  bool never = false;    // a condition that no number meets

  Text() = default;
  Text(std::string expression, Binding outermost, unsigned preamble = 0)
      : code(std::move(expression)), binding(outermost), needs(preamble) {}
  explicit Text(int number) : Text(static_cast<double>(number)) {}
  explicit Text(double number) : Text(number, std::isnan(number) ? "np.nan" : "np.inf") {}
  explicit Text(float number) : Text(number, std::isnan(number) ? "np.nan" : "np.inf") {}

  // The expression where it stands beside an operator that binds like this, in parentheses if it binds less.
  std::string beside(Binding least) const { return binding < least ? joined({"(", code, ")"}) : code; }

 private:
  // The shortest digits that give the number back.
  template <class T>
  Text(T number, const char* beyond) {
    char digits[64];
    const T size = std::abs(number);
    const bool is_integer = size < T(1e15) && size == std::floor(size);
    const auto end = is_integer ? std::to_chars(digits, digits + sizeof digits, static_cast<long long>(size)).ptr
                                : std::to_chars(digits, digits + sizeof digits, size).ptr;
    code = std::isfinite(number) ? std::string(digits, end) : beyond;
    if (!std::signbit(number) || std::isnan(number)) return;
    if (size == 0) code = "0.0";
    code = joined({"-", code});
    binding = Binding::sign;
  }
};

// An expression made of others.
template <class... Parts>
Text composed(std::string code, Binding binding, const Parts&... parts) {
  Text t(std::move(code), binding, (parts.needs | ... | 0u));
  t.steps = (parts.steps + ... + 1);
  t.chooses = (parts.chooses || ... || false);
  return t;
}

inline Binding next(Binding b) { return static_cast<Binding>(static_cast<int>(b) + 1); }

// Operators of one level group from the left, so that the right operand must bind more.
inline Text infix(const Text& a, const char* op, const Text& b, Binding level) {
  return composed(joined({a.beside(level), op, b.beside(next(level))}), level, a, b);
}
inline Text compared(const Text& a, const char* op, const Text& b) {
  return composed(joined({a.beside(Binding::either), op, b.beside(Binding::either)}), Binding::comparison, a, b);
}
template <class... Arguments>
Text called(const std::string& function, const Text& first, const Arguments&... rest) {
  std::string code = joined({function, "(", first.code});
  ((code += ", ", code += rest.code), ...);
  return composed(joined({code, ")"}), Binding::atom, first, rest...);
}

inline Text operator+(const Text& a, const Text& b) { return infix(a, " + ", b, Binding::sum); }
inline Text operator-(const Text& a, const Text& b) { return infix(a, " - ", b, Binding::sum); }
inline Text operator*(const Text& a, const Text& b) { return infix(a, " * ", b, Binding::product); }
inline Text operator/(const Text& a, const Text& b) { return infix(a, " / ", b, Binding::product); }
inline Text operator-(const Text& x) { return composed(joined({"-", x.beside(Binding::sign)}), Binding::sign, x); }
inline Text operator<(const Text& a, const Text& b) {
  Text t = compared(a, " < ", b);
  t.never = b.code == "-np.inf";
  return t;
}
inline Text operator>(const Text& a, const Text& b) {
  Text t = compared(a, " > ", b);
  t.never = b.code == "np.inf";
  return t;
}
inline Text operator<=(const Text& a, const Text& b) { return compared(a, " <= ", b); }
inline Text operator>=(const Text& a, const Text& b) { return compared(a, " >= ", b); }
inline Text operator==(const Text& a, const Text& b) { return compared(a, " == ", b); }
inline Text operator!=(const Text& a, const Text& b) { return compared(a, " != ", b); }
inline Text operator&(const Text& a, const Text& b) { return infix(a, " & ", b, Binding::both); }
inline Text operator|(const Text& a, const Text& b) { return infix(a, " | ", b, Binding::either); }

inline Text select(const Text& condition, const Text& a, const Text& b) {
  if (condition.never) return b;
  Text t = called("np.where", condition, a, b);
  t.chooses = true;
  return t;
}
inline Text fma(const Text& a, const Text& b, const Text& c) { return a * b + c; }
inline Text pow(const Text& a, const Text& b) {
  return composed(joined({a.beside(Binding::atom), " ** ", b.beside(Binding::sign)}), Binding::power, a, b);
}
inline Text copysign(const Text& a, const Text& b) { return called("np.copysign", a, b); }
inline Text abs(const Text& x) { return called("np.abs", x); }
inline Text sqrt(const Text& x) { return called("np.sqrt", x); }
inline Text floor(const Text& x) { return called("np.floor", x); }
inline Text exp(const Text& x) { return called("np.exp", x); }
inline Text expm1(const Text& x) { return called("np.expm1", x); }
inline Text log(const Text& x) { return called("np.log", x); }
inline Text log1p(const Text& x) { return called("np.log1p", x); }
inline Text sin(const Text& x) { return called("np.sin", x); }
inline Text cos(const Text& x) { return called("np.cos", x); }
inline Text tan(const Text& x) { return called("np.tan", x); }
inline Text sinh(const Text& x) { return called("np.sinh", x); }
inline Text cosh(const Text& x) { return called("np.cosh", x); }
inline Text asin(const Text& x) { return called("np.arcsin", x); }
inline Text acos(const Text& x) { return called("np.arccos", x); }
inline Text atan(const Text& x) { return called("np.arctan", x); }
inline Text tanh(const Text& x) { return called("np.tanh", x); }
inline Text erf(const Text& x) {
  Text t = called("erf", x);
  t.needs |= kErf;
  return t;
}

}  // namespace gradgate
