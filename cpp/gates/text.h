// Text: the reading of gates' definitions that writes them as NumPy expressions.
#pragma once

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gates/words.h"

namespace gradgate {

// The functions of a listing's preamble that an expression may need; bits of Text::needs.
enum Preamble : unsigned { kErf = 1, kReplaced = 2, kAdded = 4, kPlaced = 8, kProductsOfOthers = 16, kCumprodGradient = 32 };

// How tightly the outermost operator of an expression binds, in Python.
enum class Binding { comparison, either, both, sum, product, sign, power, atom };

inline std::string joined(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (std::string_view part : parts) all += part;
  return all;
}

struct Text;

// What an expression is made of, where operators look into their operands to write something simpler.
enum class TextForm { other, number, negative, times, over, matmul, outer, transpose, reshape, zeros, less, greater, equal, choice };

struct Text {
  std::string code;  // empty where there is no expression
  Binding binding = Binding::atom;
  unsigned needs = 0;
  int steps = 0;         // operations of the gates' vocabulary in it
  bool chooses = false;  // some of them choose by a condition
  bool never = false;    // a condition that no number meets
  bool always = false;   // a condition of numbers that holds
  TextForm form = TextForm::other;
  std::shared_ptr<const Text[]> parts;

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
    form = std::isfinite(number) ? TextForm::number : TextForm::other;
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

template <class... Parts>
Text formed(TextForm form, Text whole, const Parts&... parts) {
  whole.form = form;
  if constexpr (sizeof...(parts) > 0) whole.parts = std::shared_ptr<const Text[]>(new Text[sizeof...(parts)]{parts...});
  return whole;
}

// An expression that stands for an operation on others, which count as its steps.
template <class... Parts>
Text counted(const Text& shorter, const Parts&... parts) {
  Text t = composed(shorter.code, shorter.binding, parts...);
  t.form = shorter.form;
  t.parts = shorter.parts;
  t.needs = shorter.needs;
  t.never = shorter.never;
  t.always = shorter.always;
  return t;
}

inline bool is_one(const Text& x) { return x.code == "1"; }
inline bool is_number(const Text& x) { return x.form == TextForm::number; }

// Whether both are integers, and which.
inline bool integers(const Text& a, const Text& b, long long& x, long long& y) {
  const auto read = [](const Text& t, long long& value) {
    const char* const end = t.code.data() + t.code.size();
    return is_number(t) && t.code.size() < 10 && std::from_chars(t.code.data(), end, value).ptr == end;
  };
  return read(a, x) && read(b, y);
}

// Operators of one level group from the left, so that the right operand must bind more.
inline Text infix(const Text& a, const char* op, const Text& b, Binding level) {
  return composed(joined({a.beside(level), op, b.beside(next(level))}), level, a, b);
}
inline Text compared(const Text& a, const char* op, const Text& b, TextForm form = TextForm::other) {
  return formed(form, composed(joined({a.beside(Binding::either), op, b.beside(Binding::either)}), Binding::comparison, a, b), a, b);
}
template <class... Arguments>
Text called(const std::string& function, const Text& first, const Arguments&... rest) {
  std::string code = joined({function, "(", first.code});
  ((code += ", ", code += rest.code), ...);
  return composed(joined({code, ")"}), Binding::atom, first, rest...);
}

Text operator*(const Text& a, const Text& b);
Text select(const Text& condition, const Text& a, const Text& b);

inline Text operator-(const Text& x) {
  if (x.form == TextForm::negative) return counted(x.parts[0], x);
  return formed(TextForm::negative, composed(joined({"-", x.beside(Binding::sign)}), Binding::sign, x), x);
}
inline Text operator+(const Text& a, const Text& b) {
  if (long long x, y; integers(a, b, x, y)) return counted(Text(static_cast<double>(x + y)), a, b);
  if (b.form == TextForm::negative) return counted(infix(a, " - ", b.parts[0], Binding::sum), a, b);
  return infix(a, " + ", b, Binding::sum);
}
inline Text operator-(const Text& a, const Text& b) {
  if (long long x, y; integers(a, b, x, y)) return counted(Text(static_cast<double>(x - y)), a, b);
  if (b.form == TextForm::negative) return counted(infix(a, " + ", b.parts[0], Binding::sum), a, b);
  return infix(a, " - ", b, Binding::sum);
}
inline Text operator/(const Text& a, const Text& b) {
  if (is_one(b)) return counted(a, a, b);
  return formed(TextForm::over, infix(a, " / ", b, Binding::product), a, b);
}

// A number of a choice, which is 0 or 1 more often than not, times a.
inline Text scaled(const Text& a, const Text& number) {
  if (number.code == "0") return number;
  return number.code == "-1" ? -a : a * number;
}

inline Text operator*(const Text& a, const Text& b) {
  constexpr std::size_t kShort = 24;  // what may be written twice
  if (is_one(a)) return counted(b, a, b);
  if (is_one(b)) return counted(a, a, b);
  if (b.form == TextForm::times) return counted(a * b.parts[0] * b.parts[1], a, b);
  if (b.form == TextForm::over) return counted(a * b.parts[0] / b.parts[1], a, b);
  if (b.form == TextForm::negative) return counted(-a * b.parts[0], a, b);
  if (b.form == TextForm::choice && a.code.size() <= kShort && (is_number(b.parts[1]) || is_number(b.parts[2])))
    return counted(select(b.parts[0], scaled(a, b.parts[1]), scaled(a, b.parts[2])), a, b);
  return formed(TextForm::times, infix(a, " * ", b, Binding::product), a, b);
}
inline Text matmul(const Text& a, const Text& b) { return formed(TextForm::matmul, infix(a, " @ ", b, Binding::product), a, b); }
inline Text outer(const Text& a, const Text& b) { return formed(TextForm::outer, called("np.outer", a, b), a, b); }
inline Text transpose(const Text& x) {
  if (x.form == TextForm::transpose) return counted(x.parts[0], x);
  if (x.form == TextForm::outer) return counted(outer(x.parts[1], x.parts[0]), x);
  if (x.form == TextForm::matmul) return counted(matmul(transpose(x.parts[1]), transpose(x.parts[0])), x);
  return formed(TextForm::transpose, composed(joined({x.beside(Binding::atom), ".T"}), Binding::atom, x), x);
}

inline Text operator<(const Text& a, const Text& b) {
  Text t = compared(a, " < ", b, TextForm::less);
  t.never = b.code == "-np.inf";
  return t;
}
inline Text operator>(const Text& a, const Text& b) {
  Text t = compared(a, " > ", b, TextForm::greater);
  t.never = b.code == "np.inf";
  return t;
}
inline Text operator<=(const Text& a, const Text& b) { return compared(a, " <= ", b, TextForm::less); }
inline Text operator>=(const Text& a, const Text& b) { return compared(a, " >= ", b, TextForm::greater); }
inline Text operator==(const Text& a, const Text& b) {
  Text t = compared(a, " == ", b, TextForm::equal);
  const bool are_known = is_number(a) && is_number(b) && a.code != "-0.0" && b.code != "-0.0";
  if (are_known) (a.code == b.code ? t.always : t.never) = true;
  return t;
}
inline Text operator!=(const Text& a, const Text& b) { return compared(a, " != ", b); }
inline Text operator&(const Text& a, const Text& b) { return infix(a, " & ", b, Binding::both); }
inline Text operator|(const Text& a, const Text& b) { return infix(a, " | ", b, Binding::either); }

// The greater or the smaller of two, of which NumPy, too, gives a NaN back. An infinity that limits nothing is left out.
inline Text extreme(const char* function, const Text& a, const Text& b) {
  if (b.code == (std::string_view(function) == "np.minimum" ? "np.inf" : "-np.inf")) return a;
  return is_number(a) ? called(function, b, a) : called(function, a, b);
}

inline Text select(const Text& condition, const Text& a, const Text& b) {
  if (condition.never) return b;
  if (condition.always) return a;
  const auto chosen = [&](Text t) {
    t = counted(t, condition, a, b);
    t.chooses = true;
    return t;
  };
  if (condition.form == TextForm::less || condition.form == TextForm::greater) {
    const std::string &p = condition.parts[0].code, &q = condition.parts[1].code;
    // x == x asks whether x is a number.
    const auto is_question = [](const Text& t) { return t.form == TextForm::equal && t.parts[0].code == t.parts[1].code; };
    const bool asks = b.form == TextForm::choice && is_question(b.parts[0]);
    const std::string& other = asks ? b.parts[1].code : b.code;
    const bool greater = condition.form == TextForm::greater;
    if (a.code == p && other == q) return chosen(extreme(greater ? "np.maximum" : "np.minimum", condition.parts[0], condition.parts[1]));
    if (a.code == q && other == p) return chosen(extreme(greater ? "np.minimum" : "np.maximum", condition.parts[0], condition.parts[1]));
  }
  return formed(TextForm::choice, chosen(called("np.where", condition, a, b)), condition, a, b);
}
inline Text fma(const Text& a, const Text& b, const Text& c) { return a * b + c; }
inline Text pow(const Text& a, const Text& b) {
  if (is_one(b)) return counted(a, a, b);
  return composed(joined({a.beside(Binding::atom), " ** ", b.beside(Binding::sign)}), Binding::power, a, b);
}
// A name without "np." is one of the preamble's.
inline Text function_text(const char* numpy, const Text& x) {
  Text t = called(numpy, x);
  if (std::string_view(numpy) == "erf") t.needs |= kErf;
  return t;
}

inline Text copysign(const Text& a, const Text& b) { return called("np.copysign", a, b); }
#define GRADGATE_AS_TEXT(word, Gate, numpy) \
  inline Text word(const Text& x) { return function_text(numpy, x); }
GRADGATE_FUNCTIONS(GRADGATE_AS_TEXT)
#undef GRADGATE_AS_TEXT

}  // namespace gradgate
