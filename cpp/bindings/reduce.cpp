// The reducing gates.
#include <optional>

#include "bindings/define.h"
#include "bindings/module.h"
#include "bindings/return_types.h"
#include "graph/elementwise/elementwise.h"
#include "graph/reduce/extreme.h"
#include "graph/reduce/logic.h"
#include "graph/reduce/norm.h"
#include "graph/reduce/reduce.h"
#include "graph/reduce/variance.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/broadcast.h"

namespace py = pybind11;

namespace gradgate {
namespace {

using OptionalDims = std::optional<DimsArgument>;

Dims wrapped(const char* operation, const OptionalDims& dims, const Tensor& x) {
  return dims ? wrap_dims(operation, dims->value, x.ndim()) : Dims();
}

constexpr const char* kDimsNote =
    " over dim: an int, a tuple of ints, or None for all dimensions.\n\nThe reduced dimensions go, or stay with size 1 with keepdim.";

void define_sums(py::module_& m) {
  using Reduce = Tensor (*)(const Tensor&, const Dims&, bool, std::optional<DType>);
  auto set = [&](const char* name, Reduce f, const std::string& doc) {
    define(
        m, name,
        [f, name](const Tensor& x, const OptionalDims& dim, bool keepdim, std::optional<DType> dtype) {
          return f(x, wrapped(name, dim, x), keepdim, dtype);
        },
        doc.c_str(), py::arg("dim") = py::none(), py::arg("keepdim") = false, py::kw_only(), py::arg("dtype") = py::none());
  };
  set("sum", sum,
      std::string("Sum") + kDimsNote + " input is converted to dtype first; sums of integers and bools are int64.\nNothing sums to 0.");
  set("prod", prod,
      std::string("Product") + kDimsNote +
          " input is converted to dtype first; products of integers and bools are int64.\nThe product of nothing is 1.");
  set("mean", mean,
      std::string("Mean") + kDimsNote + " The mean of nothing is NaN.\n\nRaises RuntimeError unless input or dtype is floating-point.");
}

void define_extreme(py::module_& m, Extreme which, const char* name, const char* word) {
  // Never destroyed, as that would come after the interpreter's end.
  const PairType& pair = *new PairType(name, "values", "indices");
  const std::string found = std::string(word) + " element; NaN counts as the ";
  define(m, name, [which](const Tensor& x) { return extreme_value(which, which == Extreme::max ? kMax : kMin, x, {}, false); },
         (found + word +
          ".\n\nWithout further arguments of all elements; equal extremes share the gradient evenly. With dim, an int, along that "
          "dimension: a named tuple (values, indices), where indices holds the first position at a tie and alone gets the gradient. With "
          "another tensor, elementwise with broadcasting; at a tie each gets half the gradient.\n\nRaises RuntimeError or IndexError where "
          "there are no elements.")
             .c_str());
  define(m, name,
         [which](const Tensor& x, const Tensor& other) {
           return which == Extreme::max ? apply<Maximum>(x, other) : apply<Minimum>(x, other);
         },
         "Elementwise with broadcasting.", py::arg("other").noconvert());
  define(m, name,
         [which, &pair](const Tensor& x, std::int64_t dim, bool keepdim) {
           const ValuesAndIndices both = extreme_along(which, x, wrap_dim(dim, x.ndim()), keepdim);
           return pair(both.values, both.indices);
         },
         "Along dim, as (values, indices).", py::arg("dim"), py::arg("keepdim") = false);
}

void define_extremes(py::module_& m) {
  define_extreme(m, Extreme::max, "max", "largest");
  define_extreme(m, Extreme::min, "min", "smallest");
  for (const Extreme which : {Extreme::max, Extreme::min}) {
    const char* const word = which == Extreme::max ? "Largest" : "Smallest";
    const char* const value = which == Extreme::max ? "amax" : "amin";
    define(
        m, value,
        [which, value](const Tensor& x, const OptionalDims& dim, bool keepdim) {
          return extreme_value(which, which == Extreme::max ? kAmax : kAmin, x, wrapped(value, dim, x), keepdim);
        },
        (std::string(word) + " element" + kDimsNote +
         " NaN wins. Equal extremes share the gradient evenly.\n\nRaises RuntimeError or IndexError where there are no elements.")
            .c_str(),
        py::arg("dim") = py::none(), py::arg("keepdim") = false);
    define(
        m, which == Extreme::max ? "argmax" : "argmin",
        [which](const Tensor& x, std::optional<std::int64_t> dim, bool keepdim) {
          return extreme_index(which, x, dim ? std::optional<int>(wrap_dim(*dim, x.ndim())) : std::nullopt, keepdim);
        },
        (std::string("Position (int64) of the ") + (which == Extreme::max ? "largest" : "smallest") +
         " element along dim or, with None, in the flattened tensor: the first at a tie; NaN wins.\n\nRaises IndexError where there are no "
         "elements and RuntimeError for bools.")
            .c_str(),
        py::arg("dim") = py::none(), py::arg("keepdim") = false);
  }
}

// A statistic of the squared deviations: var or std.
struct Spread {
  const char* name;
  Tensor (*of)(const Tensor&, const Dims&, double, bool);
  const char* words;
};

// Defines the forms that PyTorch has: f(x, unbiased), f(x, dim, *, correction, keepdim) and f(x, dim, unbiased, keepdim), where
// define_form(form, arguments...) defines one and spread(x, dim, correction, keepdim) computes it.
template <class F, class Form>
void define_forms(F spread, Form define_form) {
  // Python's bool is an int: without conversions a flag is not taken for a dimension.
  define_form([spread](const Tensor& x, bool unbiased) { return spread(x, {}, unbiased ? 1 : 0, false); },
              py::arg("unbiased").noconvert());
  define_form([spread](const Tensor& x, const OptionalDims& dim, double correction,
                       bool keepdim) { return spread(x, dim, correction, keepdim); },
              py::arg("dim") = py::none(), py::kw_only(), py::arg("correction") = 1.0, py::arg("keepdim") = false);
  define_form([spread](const Tensor& x, const OptionalDims& dim, bool unbiased,
                       bool keepdim) { return spread(x, dim, unbiased ? 1 : 0, keepdim); },
              py::arg("dim"), py::arg("unbiased") = true, py::arg("keepdim") = false);
}

void define_spread(py::module_& m, const Spread& spread) {
  const std::string doc = std::string(spread.words) + kDimsNote +
                          "\nTwo passes: the squared deviations from the mean are summed and divided by max(0, count - correction); "
                          "unbiased=True is correction=1, False is 0.\n\nRaises RuntimeError for integers and bools.";
  define_forms(
      [spread](const Tensor& x, const OptionalDims& dim, double correction, bool keepdim) {
        return spread.of(x, wrapped(spread.name, dim, x), correction, keepdim);
      },
      [&](auto form, const auto&... arguments) { define(m, spread.name, form, doc.c_str(), arguments...); });
  const std::string both = std::string(spread.name) + "_mean", both_doc = std::string(spread.name) + "() and mean(), as a tuple.";
  define_forms(
      [spread](const Tensor& x, const OptionalDims& dim, double correction, bool keepdim) {
        const Dims dims = wrapped(spread.name, dim, x);
        return std::make_pair(spread.of(x, dims, correction, keepdim), mean(x, dims, keepdim));
      },
      [&](auto form, const auto&... arguments) { m.def(both.c_str(), form, both_doc.c_str(), py::arg("input"), arguments...); });
}

void define_variance(py::module_& m) {
  define_spread(m, {"var", var, "Variance"});
  define_spread(m, {"std", standard_deviation, "Standard deviation"});
}

double norm_order(const py::object& p) {
  if (p.is_none()) return 2;
  if (!py::isinstance<py::str>(p)) {
    const double order = PyFloat_AsDouble(p.ptr());
    if (order != -1 || !PyErr_Occurred()) return order;
    PyErr_Clear();
    fail<TypeError>("norm: p must be a number or 'fro', got ", Py_TYPE(p.ptr())->tp_name);
  }
  const auto name = p.cast<std::string>();
  if (name != "fro") fail<ValueError>("norm: p must be a number or 'fro', got '", name, "'");
  return 2;
}

void define_norm(py::module_& m) {
  define(
      m, "norm",
      [](const Tensor& x, const py::object& p, const OptionalDims& dim, bool keepdim, std::optional<DType> dtype) {
        return norm(dtype ? cast(x, *dtype) : x, norm_order(p), wrapped("norm", dim, x), keepdim);
      },
      "The p-norm of the elements over dim (an int, a tuple of ints, or None for all), (sum |x|^p)^(1/p); 'fro' is p = 2.\n\nFor p = 0 the "
      "count of elements that are not zero, for plus and minus infinity the largest and the smallest magnitude. The gradient is 0 where "
      "the norm is 0. input is converted to dtype first.\n\nRaises RuntimeError for integers and bools, and where an infinite p meets no "
      "elements.",
      py::arg("p") = "fro", py::arg("dim") = py::none(), py::arg("keepdim") = false, py::arg("dtype") = py::none());
}

void define_logic(py::module_& m) {
  using Reduce = Tensor (*)(const Tensor&, const Dims&, bool);
  auto set = [&](const char* name, Reduce f, const char* words) {
    define(
        m, name, [f, name](const Tensor& x, const OptionalDims& dim, bool keepdim) { return f(x, wrapped(name, dim, x), keepdim); },
        (std::string(words) + kDimsNote + " NaN is not zero. The result is bool, but uint8 for uint8 tensors.").c_str(),
        py::arg("dim") = py::none(), py::arg("keepdim") = false);
  };
  set("any", any, "Whether any element is not zero,");
  set("all", all, "Whether no element is zero,");
  define(
      m, "count_nonzero", [](const Tensor& x, const OptionalDims& dim) { return count_nonzero(x, wrapped("count_nonzero", dim, x)); },
      "The number (int64) of elements that are not zero, over dim: an int, a tuple of ints, or None for all.", py::arg("dim") = py::none());
}

}  // namespace

void define_reduce(py::module_& m) {
  define_sums(m);
  define_extremes(m);
  define_variance(m);
  define_norm(m);
  define_logic(m);
}

}  // namespace gradgate
