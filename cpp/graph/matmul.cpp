// Shapes and gradients of the products of matrices and vectors: dA = dY B^T and dB = A^T dY.
#include "graph/matmul.h"

#include "base/float_environment.h"
#include "gates/text.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/elementwise.h"
#include "graph/reduce.h"
#include "graph/saved_tensor.h"
#include "graph/view.h"
#include "kernels/matmul.h"

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

// A vector counts as a row on the left and as a column on the right; c is contiguous.
template <class T>
MatmulProblem<T> problem_of(const Tensor& a, const Tensor& b, const Tensor& c) {
  const int a_last = a.ndim() - 1, b_last = b.ndim() - 1;
  MatmulProblem<T> p{};
  p.m = a_last ? a.size(a_last - 1) : 1;
  p.n = b_last ? b.size(b_last) : 1;
  p.k = a.size(a_last);
  p.a = a.data<T>();
  p.a_row = a_last ? a.strides()[a_last - 1] : p.k;
  p.a_col = a.strides()[a_last];
  p.b = b.data<T>();
  p.b_row = b.strides()[b_last ? b_last - 1 : 0];
  p.b_col = b_last ? b.strides()[b_last] : 1;
  p.c = c.data<T>();
  p.c_row = p.n;
  return p;
}

// Integers have no kernel of their own; unsigned arithmetic makes overflow wrap.
template <class T>
void integer_product(const MatmulProblem<T>& p) {
  using Unsigned = std::make_unsigned_t<T>;
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      Unsigned sum = 0;
      for (std::int64_t k = 0; k < p.k; ++k)
        sum = static_cast<Unsigned>(sum + static_cast<Unsigned>(p.a[i * p.a_row + k * p.a_col]) *
                                              static_cast<Unsigned>(p.b[k * p.b_row + j * p.b_col]));
      p.c[i * p.c_row + j] = static_cast<T>(sum);
    }
}

// out = a b for vectors, matrices or equal batches of these, unrecorded; the bias, if any, is added to every row.
void run(const char* operation, const Tensor& a, const Tensor& b, const Tensor& out, const Tensor& bias = {}) {
  const bool batched = a.ndim() == 3;
  visit(a.dtype(), [&]<class T>() {
    MatmulProblem<T> p = problem_of<T>(a, b, out);
    if (bias.defined()) p.bias = bias.data<T>();
    if constexpr (std::is_floating_point_v<T>) {
      if (batched)
        matmul_batch(p, {a.size(0), a.strides()[0], b.strides()[0], out.strides()[0]});
      else
        matmul(p);
    } else if constexpr (std::is_same_v<T, bool>) {
      fail<RuntimeError>(operation, " is not defined for bool tensors; convert them with .float()");
    } else {
      for (std::int64_t i = 0; i < (batched ? a.size(0) : 1); ++i) {
        integer_product(p);
        if (batched) p.a += a.strides()[0], p.b += b.strides()[0], p.c += out.strides()[0];
      }
    }
  });
}

// The shape without its last dimension.
Dims leading(const Tensor& t) {
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
// The same of its memory alone, or of a copy.
Tensor unrecorded_rows(const Tensor& x) {
  if (x.ndim() <= 2) return x;
  if (!x.is_contiguous()) return rows_of(detach(x));
  const std::int64_t last = x.size(x.ndim() - 1);
  return x.alias({leading(x).product(), last}, {last, 1});
}
Tensor flattened(const Tensor& x) { return x.ndim() == 1 ? x : reshape(x, {x.numel()}); }

// A gate of two vectors, of rows (..., k) and a vector or a matrix, of a vector and a matrix, or of two batches of matrices.
class Product final : public Node {
 public:
  Product(const Tensor& a, const Tensor& b) : a_(SavedTensor::input(a)), b_(SavedTensor::input(b)), rows_(a.ndim()), columns_(b.ndim()) {}
  const char* name() const override {
    if (columns_ == 3) return "BmmBackward";
    if (rows_ > 2) return "MatmulBackward";
    if (columns_ == 1) return rows_ == 1 ? "DotBackward" : "MvBackward";
    return rows_ == 1 ? "VmBackward" : "MmBackward";
  }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    const Tensor a = a_.unpack(*this), b = b_.unpack(*this);
    if (flow.needs(0)) flow.downstream(0, left(dy, a, b));
    if (flow.needs(1)) flow.downstream(1, right(dy, a));
  }
  Tensors forward(const Replay& in) const override { return {columns_ == 3 ? bmm(in[0], in[1]) : matmul(in[0], in[1])}; }
  Text text(const Text* in) const override { return matmul(in[0], in[1]); }

 private:
  Tensor left(const Tensor& dy, const Tensor& a, const Tensor& b) const {
    if (columns_ == 3) return bmm(dy, transposed(b));
    if (columns_ == 2) return rows_ == 1 ? matmul(b, dy) : matmul(dy, transposed(b));
    if (rows_ == 1) return apply<Mul>(dy, b);
    return rows_ == 2 ? outer(dy, b) : reshape(outer(flattened(dy), b), a.shape());
  }
  Tensor right(const Tensor& dy, const Tensor& a) const {
    if (columns_ == 3) return bmm(transposed(a), dy);
    if (rows_ == 1) return columns_ == 1 ? apply<Mul>(dy, a) : outer(a, dy);
    return matmul(transposed(rows_of(a)), columns_ == 1 ? flattened(dy) : rows_of(dy));
  }
  void release() override {
    a_.reset();
    b_.reset();
  }
  SavedTensor a_, b_;
  int rows_, columns_;  // the operands' dimensions
};

// a b as one gate; the operands are as Product has them and fit.
Tensor product(const char* operation, const Tensor& a, const Tensor& b) {
  const Dims shape = b.ndim() == 1 ? leading(a) : with_last(leading(a), b.size(b.ndim() - 1));
  Tensor out = Tensor::empty(shape, a.dtype());
  run(operation, b.ndim() == 3 ? a : unrecorded_rows(a), b, out);
  return records(a, b) ? record(std::move(out), new Product(a, b), a, b) : out;
}

// dA = dY b and db = dY^T a.
class Outer final : public Node {
 public:
  Outer(const Tensor& a, const Tensor& b) : a_(SavedTensor::input(a)), b_(SavedTensor::input(b)) {}
  const char* name() const override { return "OuterBackward"; }
  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    if (flow.needs(0)) flow.downstream(0, matmul(dy, b_.unpack(*this)));
    if (flow.needs(1)) flow.downstream(1, matmul(transposed(dy), a_.unpack(*this)));
  }
  Tensors forward(const Replay& in) const override { return {outer(in[0], in[1])}; }
  Text text(const Text* in) const override { return outer(in[0], in[1]); }

 private:
  void release() override {
    a_.reset();
    b_.reset();
  }
  SavedTensor a_, b_;
};

class Linear final : public Node {
 public:
  Linear(const Tensor& x, const Tensor& weight) : x_(SavedTensor::input(x)), weight_(SavedTensor::input(weight)) {}
  const char* name() const override { return "LinearBackward"; }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    const Tensor x = x_.unpack(*this), weight = weight_.unpack(*this);
    if (flow.needs(0)) flow.downstream(0, matmul(dy, weight));
    // (X^T dY)^T: the gradient has the memory order of a weight stored [in][out].
    if (flow.needs(1)) flow.downstream(1, transposed(x.ndim() == 1 ? outer(x, dy) : mm(transposed(rows_of(x)), rows_of(dy))));
    if (input_count() == 3 && flow.needs(2)) flow.downstream(2, dy.ndim() == 1 ? dy : sum(rows_of(dy), {0}));
  }
  Tensors forward(const Replay& in) const override { return {linear(in[0], in[1], input_count() == 3 ? in[2] : Tensor())}; }
  Tensors parts(const Replay& in) const override {
    const Tensor product = matmul(in[0], transposed(in[1]));
    return {input_count() == 3 ? apply<Add>(product, in[2]) : product};
  }

 private:
  void release() override {
    x_.reset();
    weight_.reset();
  }
  SavedTensor x_, weight_;
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
  return product("mm", a, b);
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 3 || b.ndim() != 3 || a.size(0) != b.size(0))
    fail<RuntimeError>("bmm: expected batches of as many matrices, got shapes ", a.shape(), " and ", b.shape());
  check_types("bmm", a, b);
  if (a.size(2) != b.size(1)) shapes_differ("bmm", a, b);
  return product("bmm", a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 1 || b.ndim() != 1) fail<RuntimeError>("outer: expected vectors, got shapes ", a.shape(), " and ", b.shape());
  if (a.dtype() != b.dtype() || !is_floating(a.dtype())) return apply<Mul>(reshape(a, {a.numel(), 1}), b);
  // A column times a row, which the product's kernel computes faster than a gate that broadcasts.
  Tensor out = Tensor::empty({a.numel(), b.numel()}, a.dtype());
  run("outer", a.alias({a.numel(), 1}, {a.strides()[0], 1}), b.alias({1, b.numel()}, {b.numel(), b.strides()[0]}), out);
  return records(a, b) ? record(std::move(out), new Outer(a, b), a, b) : out;
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.ndim() == 0 || b.ndim() == 0)
    fail<RuntimeError>("matmul: both arguments need to be at least 1-d, got shapes ", a.shape(), " and ", b.shape(), "; use * for numbers");
  check_types("matmul", a, b);
  if (a.size(a.ndim() - 1) != b.size(b.ndim() == 1 ? 0 : b.ndim() - 2)) shapes_differ("matmul", a, b);
  // Rows of any number of dimensions are one tall matrix: the weight's gradient is then summed by the product, too.
  if (b.ndim() <= 2) return product("matmul", a, b);
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
  Tensor out = Tensor::empty(with_last(leading(x), out_features), x.dtype());
  run("linear", unrecorded_rows(x),
      weight.alias({weight.size(1), out_features}, {weight.strides()[1], weight.strides()[0]}), out,
      bias.defined() ? contiguous(detach(bias)) : bias);
  if (!bias.defined()) return records(x, weight) ? record(std::move(out), new Linear(x, weight), x, weight) : out;
  return records(x, weight, bias) ? record(std::move(out), new Linear(x, weight), x, weight, bias) : out;
}

}  // namespace gradgate
