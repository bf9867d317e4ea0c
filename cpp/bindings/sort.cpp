// Sorting, and what sorting finds.
#include "graph/choosing/sort.h"

#include <optional>

#include "array/counting.h"
#include "array/sort.h"
#include "bindings/define.h"
#include "bindings/module.h"
#include "bindings/return_types.h"
#include "graph/engine/phrase.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// Each type of result is made once and never destroyed, as that would come after the interpreter's end.
const PairType& pair_type(const char* operation) { return *new PairType(operation, "values", "indices"); }

void define_sort(py::module_& m) {
  define(
      m, "sort",
      [pair = &pair_type("sort")](const Tensor& x, std::int64_t dim, bool descending, bool) {
        const ValuesAndIndices both = sort(x, wrap_dim(dim, x.ndim()), descending);
        return (*pair)(both.values, both.indices);
      },
      "input sorted along dim, as a named tuple (values, indices) of input's shape; indices (int64) say where each value was.\n\nNaN "
      "counts as "
      "larger than every number. Equal elements keep their order, also when stable is False.",
      py::arg("dim") = -1, py::arg("descending") = false, py::arg("stable") = false);
  define(
      m, "argsort",
      [](const Tensor& x, std::int64_t dim, bool descending, bool) { return sort(detach(x), wrap_dim(dim, x.ndim()), descending).indices; },
      "The indices (int64) that sort input along dim, as sort() returns them.", py::arg("dim") = -1, py::arg("descending") = false,
      py::arg("stable") = false);
  define(
      m, "topk",
      [pair = &pair_type("topk")](const Tensor& x, std::int64_t k, std::int64_t dim, bool largest, bool) {
        const ValuesAndIndices both = topk(x, k, wrap_dim(dim, x.ndim()), largest);
        return (*pair)(both.values, both.indices);
      },
      "The k largest (or smallest) elements along dim, in order, as a named tuple (values, indices) of input's shape, but k at dim.\n\n"
      "NaN counts as larger than every number; of equal elements the first come first. The result is sorted also when sorted is False.\n\n"
      "Raises RuntimeError where dim has fewer than k elements.",
      py::arg("k"), py::arg("dim") = -1, py::arg("largest") = true, py::arg("sorted") = true);
}

void define_median(py::module_& m) {
  define(m, "median", [](const Tensor& x) { return median(x); },
         "The median, the lower of the two middle elements of an even number; NaN if there is one.\n\nWithout further arguments of all "
         "elements; those equal to it share the gradient evenly. With dim, along that dimension: a named tuple (values, indices), and the "
         "gradient goes to the indices.\n\nRaises IndexError where dim has no elements.");
  define(
      m, "median",
      [pair = &pair_type("median")](const Tensor& x, std::int64_t dim, bool keepdim) {
        const ValuesAndIndices both = median(x, wrap_dim(dim, x.ndim()), keepdim);
        return (*pair)(both.values, both.indices);
      },
      "Along dim, as (values, indices).", py::arg("dim"), py::arg("keepdim") = false);
}

}  // namespace

void define_sorting(py::module_& m) {
  define_sort(m);
  define_median(m);
  define(
      m, "unique",
      [](const Tensor& x, bool, bool return_inverse, bool return_counts) -> py::object {
        const Unique u = unique_values(x);
        const Tensor values(u.values);
        if (return_inverse && return_counts) return py::make_tuple(values, Tensor(u.inverse), Tensor(u.counts));
        if (return_inverse) return py::make_tuple(values, Tensor(u.inverse));
        if (return_counts) return py::make_tuple(values, Tensor(u.counts));
        return py::cast(values);
      },
      "The different elements of input, ascending, 1-d; every NaN is one of its own.\n\nWith return_inverse also the index of each element "
      "of "
      "input among them (of input's shape), with return_counts also how often each occurs; then the result is a tuple. It is sorted also "
      "when sorted is False. No gradient flows.",
      py::arg("sorted") = true, py::arg("return_inverse") = false, py::arg("return_counts") = false);
  define(
      m, "bincount",
      [](const Tensor& x, const std::optional<Tensor>& weights, std::int64_t minlength) {
        return Tensor(count_occurrences(x, weights ? std::optional<Array>(weights->array()) : std::nullopt, minlength));
      },
         "How often each integer from 0 to input's largest occurs in the 1-d integer tensor input: int64, at least minlength long.\n\nWith "
         "weights, of input's shape, their sums instead: float32 for float32 weights, else float64.\n\nRaises RuntimeError for negative "
         "values "
         "and other shapes or types.",
         py::arg("weights") = py::none(), py::arg("minlength") = 0);
}

}  // namespace gradgate
