// Shapes and gradients of the products of matrices and vectors: dA = dY B^T and dB = A^T dY.
#include "graph/products/matmul.h"

#include "array/copy.h"
#include "array/product.h"
#include "gates/text.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/phrase.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

Tensor transposed(const Tensor& x) { return transpose(x, -2, -1); }

void check_types(const char* operation, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype())
    fail<RuntimeError>(operation, ": expected both tensors to have the same dtype, but got ", a.dtype(), " and ", b.dtype(),
                       "; convert one with .to()");
}

[[noreturn]] void shapes_differ(const char* operation, const Tensor& a, const Tensor& b) {
  fail<RuntimeError>(operation, ": shapes cannot be multiplied (", a.shape(), " and ", b.shape(), "): the inner sizes ",
                     a.size(a.ndim() - 1), " and ", b.size(b.ndim() == 1 ? 0 : b.ndim() - 2), " differ");
}

// The shape without its last dimension.
Dims leading(const Array& t) {
  Dims shape = t.shape();
  shape.erase(t.ndim() - 1);
  return shape;
}

Dims with_last(Dims shape, std::int64_t size) {
  shape.push_back(size);
  return shape;
}

// Rows in any number of dimensions, (..., k), as one matrix; a vector or a matrix as it is.
Tensor rows_of(const Tensor& x) { return x.ndim() <= 2 ? x : reshape(x, {leading(x).product(), x.size(x.ndim() - 1)}); }
// The same of its memory, or of a copy.
Array rows_of(const Array& x) {
  if (x.ndim() <= 2) return x;
  const std::int64_t last = x.size(x.ndim() - 1);
  return packed(x).viewed({leading(x).product(), last}, {last, 1});
}
Tensor flattened(const Tensor& x) { return x.ndim() == 1 ? x : reshape(x, {x.numel()}); }

const GateKind kBmm("bmm"), kMatmul("matmul"), kDot("dot"), kMv("mv"), kVm("vm"), kMm("mm"), kOuter("outer"), kLinear("linear");

const GateKind& kind_of(int rows, int columns) {
  if (columns == 3) return kBmm;
  if (rows > 2) return kMatmul;
  if (columns == 1) return rows == 1 ? kDot : kMv;
  return rows == 1 ? kVm : kMm;
}

// A gate of two vectors, of rows (..., k) and a vector or a matrix, of a vector and a matrix, or of two batches of matrices.
class Product final : public Gate {
 public:
  Product(int rows, int columns) : kind_(kind_of(rows, columns)), rows_(rows), columns_(columns) {}
  const GateKind& kind() const override { return kind_; }
  void infer(const Inputs& in, Plan& plan) const override {
    const Array &a = in[0], &b = in[1];
    plan.push_back({{columns_ == 1 ? leading(a) : with_last(leading(a), b.size(b.ndim() - 1)), a.dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    if (columns_ == 3 || rows_ <= 2)
      multiply(kind_.name(), in[0], in[1], out[0]);
    else
      multiply(kind_.name(), rows_of(in[0]), in[1], out[0]);
  }
  Saved saves(unsigned wanted) const override { return {(wanted & 1) << 1 | (wanted & 2) >> 1, 0}; }
  void rule(BackwardContext& c) const override {
    if (c.needs(0)) c.downstream(0, left(c.upstream(), c.input(1), c.input_shape(0)));
    if (c.needs(1)) c.downstream(1, right(c.upstream(), c.input(0)));
  }
  Text text(const InputTexts& in) const override { return matmul(in[0], in[1]); }

 private:
  Tensor left(const Tensor& dy, const Tensor& b, const Dims& shape) const {
    if (columns_ == 3) return bmm(dy, transposed(b));
    if (columns_ == 2) return rows_ == 1 ? matmul(b, dy) : matmul(dy, transposed(b));
    if (rows_ == 1) return apply<Mul>(dy, b);
    return rows_ == 2 ? outer(dy, b) : reshape(outer(flattened(dy), b), shape);
  }
  Tensor right(const Tensor& dy, const Tensor& a) const {
    if (columns_ == 3) return bmm(transposed(a), dy);
    if (rows_ == 1) return columns_ == 1 ? apply<Mul>(dy, a) : outer(a, dy);
    return matmul(transposed(rows_of(a)), columns_ == 1 ? flattened(dy) : rows_of(dy));
  }

  const GateKind& kind_;
  int rows_, columns_;  // the operands' dimensions
};

// a b as one gate; the operands are as Product has them and fit.
Tensor product(const Tensor& a, const Tensor& b) { return evaluate(Product(a.ndim(), b.ndim()), a, b); }

// dA = dY b and db = dY^T a.
class Outer final : public Gate {
 public:
  const GateKind& kind() const override { return kOuter; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{{in[0].numel(), in[1].numel()}, in[0].dtype()}}); }
  // A column times a row, which the product's kernel computes faster than a gate that broadcasts.
  void run(const Inputs& in, const Outputs& out) const override {
    const Array &a = in[0], &b = in[1];
    multiply("outer", a.viewed({a.numel(), 1}, {a.strides()[0], 1}), b.viewed({1, b.numel()}, {b.numel(), b.strides()[0]}), out[0]);
  }
  Saved saves(unsigned wanted) const override { return {(wanted & 1) << 1 | (wanted & 2) >> 1, 0}; }
  void rule(BackwardContext& c) const override {
    if (c.needs(0)) c.downstream(0, matmul(c.upstream(), c.input(1)));
    if (c.needs(1)) c.downstream(1, matmul(transposed(c.upstream()), c.input(0)));
  }
  Text text(const InputTexts& in) const override { return outer(in[0], in[1]); }
};

// y = x weight^T + bias; the bias may be left out.
class Linear final : public Gate {
 public:
  const GateKind& kind() const override { return kLinear; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{with_last(leading(in[0]), in[1].size(0)), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    const Array& w = in[1];
    const Array transposed_weight = w.viewed({w.size(1), w.size(0)}, {w.strides()[1], w.strides()[0]});
    const Array bias = in.has(2) ? packed(in[2]) : Array();
    const Array* const added = in.has(2) ? &bias : nullptr;
    if (in[0].ndim() <= 2)
      multiply("linear", in[0], transposed_weight, out[0], added);
    else
      multiply("linear", rows_of(in[0]), transposed_weight, out[0], added);
  }
  Saved saves(unsigned wanted) const override { return {(wanted & 1) << 1 | (wanted & 2) >> 1, 0}; }
  void rule(BackwardContext& c) const override {
    const Tensor& dy = c.upstream();
    if (c.needs(0)) c.downstream(0, matmul(dy, c.input(1)));
    if (c.needs(1)) c.downstream(1, weight_gradient(dy, c.input(0)));
    if (c.input_count() == 3 && c.needs(2)) c.downstream(2, dy.ndim() == 1 ? dy : sum(rows_of(dy), {0}));
  }
  Tensors parts(const Tensors& in) const override {
    const Tensor product = matmul(in[0], transposed(in[1]));
    return {in.size() == 3 && in[2].defined() ? apply<Add>(product, in[2]) : product};
  }

 private:
  static Tensor weight_gradient(const Tensor& dy, const Tensor& x) {
    return x.ndim() == 1 ? outer(dy, x) : mm(transposed(rows_of(dy)), rows_of(x));
  }
};

Dims without(Dims shape, int dim) {
  shape.erase(dim);
  return shape;
}

// Batches of matrices with leading dimensions that broadcast, as one bmm.
Tensor broadcast_product(const Tensor& a, const Tensor& b) {
  const auto batch_of = [](const Tensor& t) {
    Dims d = leading(t);
    d.erase(d.size() - 1);
    return d;
  };
  const auto with_matrix = [](Dims batch, const Tensor& t) {
    batch.push_back(t.size(t.ndim() - 2));
    batch.push_back(t.size(t.ndim() - 1));
    return batch;
  };
  Dims batch = broadcast_shapes("matmul", batch_of(a), batch_of(b));
  const Dims flat{batch.product()};
  const Tensor x = reshape(expand(a, with_matrix(batch, a)), with_matrix(flat, a));
  const Tensor y = reshape(expand(b, with_matrix(batch, b)), with_matrix(flat, b));
  batch.push_back(a.size(a.ndim() - 2));
  batch.push_back(b.size(b.ndim() - 1));
  return reshape(bmm(x, y), batch);
}

}  // namespace

Tensor mm(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 2 || b.ndim() != 2) fail<RuntimeError>("mm: expected matrices, got shapes ", a.shape(), " and ", b.shape());
  check_types("mm", a, b);
  if (a.size(1) != b.size(0)) shapes_differ("mm", a, b);
  return product(a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 3 || b.ndim() != 3 || a.size(0) != b.size(0))
    fail<RuntimeError>("bmm: expected batches of as many matrices, got shapes ", a.shape(), " and ", b.shape());
  check_types("bmm", a, b);
  if (a.size(2) != b.size(1)) shapes_differ("bmm", a, b);
  return product(a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 1 || b.ndim() != 1) fail<RuntimeError>("outer: expected vectors, got shapes ", a.shape(), " and ", b.shape());
  if (a.dtype() != b.dtype() || !is_floating(a.dtype())) return apply<Mul>(reshape(a, {a.numel(), 1}), b);
  return evaluate(Outer(), a, b);
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.ndim() == 0 || b.ndim() == 0)
    fail<RuntimeError>("matmul: both arguments need to be at least 1-d, got shapes ", a.shape(), " and ", b.shape(), "; use * for numbers");
  check_types("matmul", a, b);
  if (a.size(a.ndim() - 1) != b.size(b.ndim() == 1 ? 0 : b.ndim() - 2)) shapes_differ("matmul", a, b);
  // Rows of any number of dimensions are one tall matrix: the weight's gradient is then summed by the product, too.
  if (b.ndim() <= 2) return product(a, b);
  if (a.ndim() == 1) {
    const Tensor y = matmul(reshape(a, {1, a.numel()}), b);
    return reshape(y, without(y.shape(), y.ndim() - 2));
  }
  return broadcast_product(a, b);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.ndim() != 2 || x.ndim() == 0 || x.size(x.ndim() - 1) != weight.size(1))
    fail<RuntimeError>("linear: input of shape ", x.shape(), " does not fit weight of shape ", weight.shape(),
                       ": input's last size must be weight's second, (..., in_features) and (out_features, in_features)");
  check_types("linear", x, weight);
  const std::int64_t out_features = weight.size(0);
  if (bias.defined()) {
    check_types("linear", x, bias);
    if (!(bias.shape() == Dims{out_features}))
      fail<RuntimeError>("linear: bias of shape ", bias.shape(), " does not fit weight of shape ", weight.shape(), "; expected (",
                         out_features, ",)");
  }
  if (!is_floating(x.dtype())) {
    const Tensor product = matmul(x, transposed(weight));
    return bias.defined() ? apply<Add>(product, bias) : product;
  }
  return bias.defined() ? evaluate(Linear(), x, weight, bias) : evaluate(Linear(), x, weight);
}

}  // namespace gradgate
