// Diagonals, triangles, reversals and rotations as functions and Tensor methods.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/shapes/diagonal.h"
#include "graph/choosing/flip.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

Tensor flipped(const Tensor& x, const DimsArgument& dims) { return flip(x, wrap_dims("flip", dims.value, x.ndim())); }

Tensor rolled(const Tensor& x, const DimsArgument& shifts, const std::optional<DimsArgument>& dims) {
  if (!dims || dims->value.empty()) {
    if (shifts.value.size() != 1) fail<RuntimeError>("roll: without dims there is one shift, got ", shifts.value);
    return reshape(roll(reshape(x, {-1}), shifts.value, {0}), x.shape());
  }
  if (shifts.value.size() != dims->value.size())
    fail<RuntimeError>("roll: shifts and dimensions must align, got shifts ", shifts.value, " and dims ", dims->value);
  Dims along;
  for (std::int64_t dim : dims->value) along.push_back(wrap_dim(dim, x.ndim()));
  return roll(x, shifts.value, along);
}

}  // namespace

void define_rearrangement(py::module_& m) {
  define(m, "diagonal", diagonal,
         "A view of the elements whose index along dim2 exceeds that along dim1 by offset, as the last dimension.\n\n"
         "Raises RuntimeError unless dim1 and dim2 are two dimensions.",
         py::arg("offset") = 0, py::arg("dim1") = 0, py::arg("dim2") = 1);
  define(m, "diag", diag,
         "Of a vector the matrix with it on a diagonal and zeros elsewhere; of a matrix that diagonal. diagonal counts from the main one, "
         "upwards.\n\nRaises RuntimeError for other numbers of dimensions.",
         py::arg("diagonal") = 0);
  define(m, "tril", tril, "The lower triangles of matrices (..., m, n): zeros above the diagonal, which counts from the main one, upwards.",
         py::arg("diagonal") = 0);
  define(m, "triu", triu, "The upper triangles of matrices (..., m, n): zeros below the diagonal, which counts from the main one, upwards.",
         py::arg("diagonal") = 0);
  define_inplace("tril", tril, py::arg("diagonal") = 0);
  define_inplace("triu", triu, py::arg("diagonal") = 0);
  define(m, "flip", flipped, "A copy with the order of the elements reversed along dims.", py::arg("dims"));
  define_method("__reversed__", [](const Tensor& x) { return x.ndim() > 0 ? flip(x, {0}) : x; }, "A copy with the rows in reverse order.");
  define(m, "roll", rolled,
         "A copy whose elements moved by shifts places along dims, those that leave at one end coming in at the other; without dims, in\n"
         "row-major order.",
         py::arg("shifts"), py::arg("dims") = py::none());
}

}  // namespace gradgate
