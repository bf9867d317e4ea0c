// Shapes and gradients of the matrix product: dA = dY B^T and dB = A^T dY.
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

template <class T>
MatmulProblem<T> problem_of(const Tensor& a, const Tensor& b, const Tensor& c) {
  const int last = a.ndim() - 1;
  MatmulProblem<T> p{};
  p.m = a.size(last - 1);
  p.n = b.size(last);
  p.k = a.size(last);
  p.a = a.data<T>();
  p.a_row = a.strides()[last - 1];
  p.a_col = a.strides()[last];
  p.b = b.data<T>();
  p.b_row = b.strides()[last - 1];
  p.b_col = b.strides()[last];
  p.c = c.data<T>();
  p.c_row = c.strides()[last - 1];
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

// out = a b for matrices or equal batches of them, unrecorded; the bias, if any, is added to every row.
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

class Product final : public Node {
 public:
  Product(const Tensor& a, const Tensor& b) : a_(SavedTensor::input(a)), b_(SavedTensor::input(b)), batched_(a.ndim() == 3) {}
  const char* name() const override { return batched_ ? "BmmBackward" : "MmBackward"; }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    const Tensor a = a_.unpack(*this), b = b_.unpack(*this);
    const auto product = batched_ ? bmm : mm;
    if (flow.needs(0)) flow.downstream(0, product(dy, transposed(b)));
    if (flow.needs(1)) flow.downstream(1, product(transposed(a), dy));
  }
  Tensors forward(const Replay& in) const override { return {batched_ ? bmm(in[0], in[1]) : mm(in[0], in[1])}; }
  Text text(const Text* in) const override { return matmul(in[0], in[1]); }

 private:
  void release() override {
    a_.reset();
    b_.reset();
  }
  SavedTensor a_, b_;
  bool batched_;
};

class Linear final : public Node {
 public:
  Linear(const Tensor& x, const Tensor& weight) : x_(SavedTensor::input(x)), weight_(SavedTensor::input(weight)) {}
  const char* name() const override { return "LinearBackward"; }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    const Tensor x = x_.unpack(*this), weight = weight_.unpack(*this);
    if (flow.needs(0)) flow.downstream(0, mm(dy, weight));
    // (X^T dY)^T: the gradient has the memory order of a weight stored [in][out].
    if (flow.needs(1)) flow.downstream(1, transposed(mm(transposed(x), dy)));
    if (input_count() == 3 && flow.needs(2)) flow.downstream(2, sum(dy, {0}));
  }
  Tensors forward(const Replay& in) const override { return {linear(in[0], in[1], input_count() == 3 ? in[2] : Tensor())}; }
  Tensors parts(const Replay& in) const override {
    const Tensor product = mm(in[0], transposed(in[1]));
    return {input_count() == 3 ? apply<Add>(product, in[2]) : product};
  }

 private:
  void release() override {
    x_.reset();
    weight_.reset();
  }
  SavedTensor x_, weight_;
};

Tensor unsqueezed(const Tensor& x, int dim) {
  Dims shape = x.shape();
  shape.insert(dim, 1);
  return reshape(x, shape);
}

Dims without(Dims shape, int dim) {
  shape.erase(dim);
  return shape;
}

// Batches of matrices with leading dimensions that broadcast, as one bmm.
Tensor broadcast_product(const Tensor& a, const Tensor& b) {
  const auto leading = [](const Tensor& t) {
    Dims d = t.shape();
    d.erase(d.size() - 1);
    d.erase(d.size() - 1);
    return d;
  };
  const auto with_matrix = [](Dims batch, const Tensor& t) {
    batch.push_back(t.size(t.ndim() - 2));
    batch.push_back(t.size(t.ndim() - 1));
    return batch;
  };
  Dims batch = broadcast_shapes("matmul", leading(a), leading(b));
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
  Tensor out = Tensor::empty({a.size(0), b.size(1)}, a.dtype());
  run("mm", a, b, out);
  return records(a, b) ? record(std::move(out), new Product(a, b), a, b) : out;
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 3 || b.ndim() != 3 || a.size(0) != b.size(0))
    fail<RuntimeError>("bmm: expected batches of as many matrices, got shapes ", a.shape(), " and ", b.shape());
  check_types("bmm", a, b);
  if (a.size(2) != b.size(1)) shapes_differ("bmm", a, b);
  Tensor out = Tensor::empty({a.size(0), a.size(1), b.size(2)}, a.dtype());
  run("bmm", a, b, out);
  return records(a, b) ? record(std::move(out), new Product(a, b), a, b) : out;
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.ndim() == 0 || b.ndim() == 0)
    fail<RuntimeError>("matmul: both arguments need to be at least 1-d, got shapes ", a.shape(), " and ", b.shape(), "; use * for numbers");
  check_types("matmul", a, b);
  if (a.size(a.ndim() - 1) != b.size(b.ndim() == 1 ? 0 : b.ndim() - 2)) shapes_differ("matmul", a, b);
  if (a.ndim() == 2 && b.ndim() == 2) return mm(a, b);
  if (a.ndim() == 1) {
    const Tensor y = matmul(unsqueezed(a, 0), b);
    return reshape(y, without(y.shape(), b.ndim() == 1 ? 0 : y.ndim() - 2));
  }
  if (b.ndim() == 1) {
    const Tensor y = matmul(a, unsqueezed(b, 1));
    return reshape(y, without(y.shape(), y.ndim() - 1));
  }
  if (b.ndim() == 2) {
    // One tall product instead of a batch: the weight's gradient is then summed by the product, too.
    Dims shape = a.shape();
    shape[a.ndim() - 1] = b.size(1);
    return reshape(mm(reshape(a, {a.numel() / std::max<std::int64_t>(b.size(0), 1), b.size(0)}), b), shape);
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
  if (x.ndim() != 2) {
    Dims shape = x.shape(), rows{1, x.size(x.ndim() - 1)};
    for (int i = 0; i + 1 < x.ndim(); ++i) rows[0] *= x.size(i);
    shape[x.ndim() - 1] = out_features;
    return reshape(linear(reshape(x, rows), weight, bias), shape);
  }
  if (!is_floating(x.dtype())) return bias.defined() ? apply<Add>(mm(x, transposed(weight)), bias) : mm(x, transposed(weight));
  Tensor out = Tensor::empty({x.size(0), out_features}, x.dtype());
  run("linear", x, weight.alias({weight.size(1), out_features}, {weight.strides()[1], weight.strides()[0]}), out,
      bias.defined() ? contiguous(detach(bias)) : bias);
  if (!bias.defined()) return records(x, weight) ? record(std::move(out), new Linear(x, weight), x, weight) : out;
  return records(x, weight, bias) ? record(std::move(out), new Linear(x, weight), x, weight, bias) : out;
}

}  // namespace gradgate
