// Every elementwise gate of the registry as a function, a Tensor method and an in-place method.
#include <cmath>
#include <string>

#include "bindings/define.h"
#include "bindings/module.h"
#include "gates/uses.h"
#include "graph/elementwise/compare.h"
#include "graph/elementwise/elementwise.h"
#include "graph/elementwise/power.h"
#include "graph/elementwise/quotient.h"
#include "graph/engine/creation.h"
#include "graph/engine/types.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {
namespace {

std::string documentation(const GateInfo& info, const char* inputs) {
  std::string doc = std::string(info.summary) + "\n\nElementwise; " + inputs + ".";
  if (info.integers == Integers::promote) doc += " Integers are converted to the default floating-point type.";
  if (info.reference_note) doc += std::string(" ") + info.reference_note;
  return doc;
}

// Defines f(input, ...) and input.f_(...), which writes the result to input.
template <class F, class... Extra>
void define_gate(py::module_& m, const char* name, F f, const std::string& doc, const Extra&... extra) {
  define(m, name, f, doc.c_str(), extra...);
  define_inplace(name, f, extra...);
}

void define_unary(py::module_& m, int index) {
  const GateInfo& info = unary_info(index);
  const std::string doc = documentation(info, "the result has input's shape");
  const auto& s = info.scalars;
  switch (info.scalar_count()) {
    case 0: return define_gate(m, info.name, [index](const Tensor& x) { return apply_unary(index, x); }, doc);
    case 1:
      return define_gate(
          m, info.name, [index](const Tensor& x, double a) { return apply_unary(index, x, &a); }, doc, py::arg(s[0].name) = s[0].value);
    default:
      return define_gate(
          m, info.name,
          [index](const Tensor& x, double a, double b) {
            const double scalars[] = {a, b};
            return apply_unary(index, x, scalars);
          },
          doc, py::arg(s[0].name) = s[0].value, py::arg(s[1].name) = s[1].value);
  }
}

constexpr const char* kBroadcast = "input and other are broadcast and their types promoted";

// other * alpha. Throws RuntimeError where alpha would change the type of the sum.
Tensor scaled(const char* operation, const Tensor& a, const Tensor& b, const std::optional<Tensor>& alpha) {
  if (!alpha) return b;
  if (kind(alpha->dtype()) > kind(result_type(a, b)))
    fail<RuntimeError>(operation, ": alpha of type ", alpha->dtype(), " would change the type of the result, ", result_type(a, b),
                       "; convert a tensor with .float()");
  return apply<Mul>(b, *alpha);
}

// add and sub, which scale their second operand.
void define_sum(py::module_& m, int index) {
  const GateInfo& info = binary_info(index);
  define_gate(
      m, info.name,
      [index, &info](const Tensor& a, const Tensor& b, const std::optional<Tensor>& alpha) {
        return apply_binary(index, a, scaled(info.name, a, b, alpha));
      },
      documentation(info, kBroadcast) + " A number alpha first multiplies other.", py::arg("other"), py::kw_only(),
      py::arg("alpha") = py::none());
}

// div, whose quotients can be rounded.
Tensor divide(const Tensor& a, const Tensor& b, const std::optional<std::string>& mode) {
  if (!mode) return apply<Div>(a, b);
  if (*mode == "floor") return rounded_quotient("div", Rounding::floor, a, b);
  if (*mode == "trunc") return rounded_quotient("div", Rounding::truncate, a, b);
  fail<RuntimeError>("div: rounding_mode must be None, 'trunc' or 'floor', got '", *mode, "'");
}

void define_binary(py::module_& m, int index) {
  const GateInfo& info = binary_info(index);
  const std::string doc = documentation(info, kBroadcast);
  if (index == BinaryGates::index<Add>() || index == BinaryGates::index<Sub>()) return define_sum(m, index);
  if (index == BinaryGates::index<Div>())
    return define_gate(m, info.name, divide,
                       doc + " With rounding_mode='trunc' or 'floor' the\nquotient is rounded towards zero or down, integers stay "
                             "integers, and no gradient flows.",
                       py::arg("other"), py::kw_only(), py::arg("rounding_mode") = py::none());
  if (index == BinaryGates::index<Pow>()) return define_gate(m, info.name, power, doc, py::arg("exponent"));
  define_gate(m, info.name, [index](const Tensor& a, const Tensor& b) { return apply_binary(index, a, b); }, doc, py::arg("other"));
}

void define_comparisons(py::module_& m) {
  static constexpr std::pair<const char*, const char*> names[] = {{"eq", "=="}, {"ne", "!="}, {"lt", "<"},
                                                                  {"le", "<="}, {"gt", ">"},  {"ge", ">="}};
  for (int i = 0; i < 6; ++i) {
    const auto comparison = static_cast<Comparison>(i);
    const std::string doc = cat("input ", names[i].second, " other, elementwise and broadcast, as a bool tensor; ",
                                comparison == Comparison::ne ? "True" : "False", " where either is NaN.");
    define(m, names[i].first, [comparison](const Tensor& a, const Tensor& b) { return compare(comparison, a, b); }, doc.c_str(),
           py::arg("other"));
  }
}

void define_logic(py::module_& m) {
  static constexpr const char* names[] = {"and", "or", "xor"};
  for (int i = 0; i < 3; ++i) {
    const auto logic = static_cast<Logic>(i);
    const std::string truth = std::string("logical_") + names[i], bits = std::string("bitwise_") + names[i];
    define(m, truth.c_str(), [logic](const Tensor& a, const Tensor& b) { return logical(logic, a, b); },
           cat("input ", names[i], " other, elementwise and broadcast, as a bool tensor; NaN is true.").c_str(),
           py::arg("other"));
    define(m, bits.c_str(), [logic](const Tensor& a, const Tensor& b) { return bitwise(logic, a, b); },
           "Bit by bit, of integer or bool tensors, broadcast and their types promoted.\n\n"
           "Raises RuntimeError for floating-point tensors.",
           py::arg("other"));
  }
  define(m, "logical_not", logical_not, "True where input is zero, as a bool tensor.");
  define(m, "bitwise_not", bitwise_not,
         "Every bit inverted, of an integer or bool tensor.\n\nRaises RuntimeError for a floating-point tensor.");
  define(m, "isnan", isnan, "True where input is NaN, as a bool tensor.");
  define(m, "isinf", isinf, "True where input is positive or negative infinity, as a bool tensor.");
  define(m, "isfinite", isfinite, "True where input is neither infinite nor NaN, as a bool tensor.");
}

// What the registry says of a gate, for the tests, which go through all of it.
py::dict description(const GateInfo& info, Saves saved, int arity) {
  static constexpr const char* saves[] = {"nothing", "inputs", "output", "both"};
  py::dict scalars;
  for (int i = 0; i < info.scalar_count(); ++i) scalars[info.scalars[i].name] = info.scalars[i].value;
  return py::dict(py::arg("name") = info.name, py::arg("summary") = info.summary, py::arg("arity") = arity,
                  py::arg("scalars") = scalars, py::arg("saves") = saves[static_cast<int>(saved)], py::arg("ulp") = info.ulp,
                  py::arg("integers") = info.integers == Integers::keep ? "keep" : "promote");
}

py::list registry() {
  py::list gates;
  UnaryGates::each([&]<class G>() { gates.append(description(G::info, unary_saves<G>(), 1)); });
  BinaryGates::each([&]<class G>() { gates.append(description(G::info, binary_saves<G>(), 2)); });
  TernaryGates::each([&]<class G>() { gates.append(description(G::info, ternary_saves<G>(), 3)); });
  return gates;
}

// The limit where x is beyond it or it is NaN, else x; at a tie x gets the gradient.
Tensor limited(Comparison beyond, const Tensor& x, const Tensor& limit) {
  const Tensor chosen = logical(Logic::disjunction, compare(beyond, x, limit), isnan(limit));
  return where(chosen, limit, x);
}

Tensor clamp(const Tensor& x, const std::optional<Tensor>& min, const std::optional<Tensor>& max) {
  if (!min && !max) fail<RuntimeError>("clamp: at least one of 'min' or 'max' must not be None");
  if (is_floating(x.dtype()) && (!min || min->is_number()) && (!max || max->is_number())) {
    double limits[] = {Clamp::info.scalars[0].value, Clamp::info.scalars[1].value};
    if (min) limits[0] = item(*min).cast<double>();
    if (max) limits[1] = item(*max).cast<double>();
    return apply_unary(UnaryGates::index<Clamp>(), x, limits);
  }
  const Tensor all[] = {x, min.value_or(x), max.value_or(x)};
  const Tensor input = cast(x, result_type(all, 3));
  const Tensor above = min ? limited(Comparison::lt, input, *min) : input;
  return max ? limited(Comparison::gt, above, *max) : above;
}

// As PyTorch: scaled by a power of ten, rounded to the nearest, ties to even, and scaled back.
Tensor round_to(const Tensor& x, std::int64_t decimals) {
  if (!is_floating(x.dtype())) fail<RuntimeError>("round: decimals needs a float32 or float64 tensor, got ", x.dtype());
  if (decimals == 0) return apply<Round>(x);
  const Tensor scale = number(std::pow(10.0, std::abs(static_cast<double>(decimals))));
  return decimals > 0 ? apply<Div>(apply<Round>(apply<Mul>(x, scale)), scale) : apply<Mul>(apply<Round>(apply<Div>(x, scale)), scale);
}

}  // namespace

void define_gates(py::module_& m) {
  for (int i = 0; i < UnaryGates::size; ++i)
    if (i != UnaryGates::index<Clamp>()) define_unary(m, i);
  define_gate(m, "round", round_to,
              "input rounded to this many decimals; negative ones count digits before the point.\n\nRaises RuntimeError for integers.",
              py::kw_only(), py::arg("decimals"));
  for (int i = 0; i < BinaryGates::size; ++i) define_binary(m, i);
  define_gate(
      m, "lerp", [](const Tensor& a, const Tensor& b, const Tensor& w) { return apply_ternary(TernaryGates::index<Lerp>(), a, b, w); },
      documentation(Lerp::info, "input, end and weight are broadcast and their types promoted"), py::arg("end"), py::arg("weight"));
  define_gate(m, "clamp", clamp, documentation(Clamp::info, "min and max are numbers, tensors that broadcast, or None for no limit"),
              py::arg("min") = py::none(), py::arg("max") = py::none());
  define_gate(
      m, "clamp_min", [](const Tensor& x, const Tensor& min) { return clamp(x, min, {}); }, "clamp(input, min=min).", py::arg("min"));
  define_gate(
      m, "clamp_max", [](const Tensor& x, const Tensor& max) { return clamp(x, {}, max); }, "clamp(input, max=max).", py::arg("max"));
  m.def("_gates", registry, "What the registry says of every elementwise gate.");
  define_comparisons(m);
  define_logic(m);
  m.def("where", where, py::arg("condition"), py::arg("input"), py::arg("other"),
        "input where condition, a bool tensor, is True, else other; all three are broadcast, the types of input and other promoted.\n\n"
        "Raises RuntimeError for a condition of another type.");
  define_method(
      "where", [](const Tensor& x, const Tensor& condition, const Tensor& other) { return where(condition, x, other); },
      "self where condition is True, else other.", py::arg("condition"), py::arg("other"));
}

}  // namespace gradgate
