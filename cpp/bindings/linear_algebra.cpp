// Matrix products as functions and Tensor methods.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/elementwise/compare.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/products/matmul.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {
namespace {

void check_ndim(const char* operation, const Tensor& t, int ndim) {
  if (t.ndim() != ndim) fail<RuntimeError>(operation, ": expected a ", ndim, "-d tensor, got shape ", t.shape());
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_ndim("dot", a, 1);
  check_ndim("dot", b, 1);
  return matmul(a, b);
}

Tensor mv(const Tensor& a, const Tensor& v) {
  check_ndim("mv", a, 2);
  check_ndim("mv", v, 1);
  return matmul(a, v);
}

// factor * x, where a number 0 makes zeros of NaN and infinity, too.
Tensor weighted(const Tensor& x, const Tensor& factor) {
  const bool ignored = factor.is_number() && *cast(factor, DType::float64).data<double>() == 0;
  return ignored ? where(full({}, 0, DType::boolean), x, full({}, 0, x.dtype())) : apply<Mul>(x, factor);
}

// beta * input + alpha * (a @ b)
Tensor addmm(const Tensor& input, const Tensor& a, const Tensor& b, const Tensor& beta, const Tensor& alpha) {
  return apply<Add>(weighted(input, beta), weighted(mm(a, b), alpha));
}

}  // namespace

void define_linear_algebra(py::module_& m) {
  const char* product =
      "The matrix product. Vectors count as a row on the left and a column on the right; leading dimensions are batches and broadcast.\n\n"
      "The sum over k runs in blocks of 256, each a chain of fused multiply-adds in ascending order, so that the bits do not depend on\n"
      "threads or instruction set.\n\nRaises RuntimeError when the inner sizes or the dtypes differ.";
  define(m, "matmul", matmul, product, py::arg("other"));
  define(m, "mm", mm, "The product of two matrices, (m, k) and (k, n).\n\nRaises RuntimeError for other shapes.", py::arg("mat2"));
  define(m, "bmm", bmm, "The products of two batches of matrices, (b, m, k) and (b, k, n).\n\nRaises RuntimeError for other shapes.",
         py::arg("mat2"));
  define(m, "mv", mv, "The product of a matrix (m, k) and a vector (k).\n\nRaises RuntimeError for other shapes.", py::arg("vec"));
  define(m, "dot", dot, "The inner product of two vectors of one size.\n\nRaises RuntimeError for other shapes.", py::arg("tensor"));
  define(m, "outer", outer, "The outer product of vectors (m) and (n): a matrix (m, n).\n\nRaises RuntimeError for other shapes.",
         py::arg("vec2"));
  define(m, "addmm", addmm,
         "beta * input + alpha * (mat1 @ mat2); input broadcasts to the product's shape. A factor of 0 leaves its term out, NaN included.",
         py::arg("mat1"), py::arg("mat2"), py::kw_only(), py::arg("beta") = 1, py::arg("alpha") = 1);
  m.def(
      "linear",
      [](const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) { return linear(x, weight, bias.value_or(Tensor())); },
      py::arg("input"), py::arg("weight"), py::arg("bias") = py::none(),
      "input @ weight.T + bias, for input (..., in), weight (out, in) and bias (out), as one gate.\n\n"
      "Raises RuntimeError for shapes that do not fit.");
}

}  // namespace gradgate
