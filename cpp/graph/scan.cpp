// Running sums and products, and their nodes.
#include "graph/scan.h"

#include <vector>

#include "base/float_environment.h"
#include "base/host.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/placement.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"
#include "graph/view.h"

namespace gradgate {
namespace {

// y along `dim` = the combinations of x's elements from the first (or, reversed, the last) to each, formed in type A.
template <class A, class T, class Combine>
void scan(const T* x, T* y, const Dims& shape, int dim, bool reversed, const Combine& combine) {
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < shape.size(); ++i)
    if (i != dim) (i < dim ? outer : inner) *= shape[i];
  const std::int64_t n = shape.empty() ? 1 : shape[dim], step = reversed ? -inner : inner;
  std::vector<A> running(static_cast<std::size_t>(inner));
  for (std::int64_t o = 0; o < outer; ++o) {
    const std::int64_t first = o * n * inner + (reversed ? (n - 1) * inner : 0);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < inner; ++j) {
        A& value = running[static_cast<std::size_t>(j)];
        const std::int64_t at = first + i * step + j;
        value = i ? combine(value, static_cast<A>(x[at])) : static_cast<A>(x[at]);
        y[at] = static_cast<T>(value);
      }
  }
}

template <class F>
Tensor run(const Tensor& x, int dim, bool reversed, const F& combine) {
  const Tensor from = contiguous(detach(x));
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  if (x.numel() == 0) return out;
  FloatEnvironment environment;
  LongWork work(x.numel());
  // float32 is summed in float64, as a chain of a thousand additions loses three digits.
  if (x.dtype() == DType::float32)
    scan<double>(from.data<float>(), out.data<float>(), x.shape(), dim, reversed, combine);
  else if (x.dtype() == DType::float64)
    scan<double>(from.data<double>(), out.data<double>(), x.shape(), dim, reversed, combine);
  else  // int64, which wraps
    scan<std::uint64_t>(from.data<std::uint64_t>(), out.data<std::uint64_t>(), x.shape(), dim, reversed, combine);
  return out;
}

class Cumsum final : public Node {
 public:
  Cumsum(int dim, bool reversed, bool scalar) : dim_(dim), reversed_(reversed), scalar_(scalar) {}
  const char* name() const override { return "CumsumBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, make(flow.upstream(), dim_, !reversed_)); }
  Tensors forward(const Replay& in) const override { return {make(in[0], dim_, reversed_)}; }
  Text text(const Text* in) const override {
    if (scalar_) return in[0];
    const Text axis(cat("axis=", dim_), Binding::atom);
    if (!reversed_) return called("np.cumsum", in[0], axis);
    return called("np.flip", called("np.cumsum", called("np.flip", in[0], axis), axis), axis);
  }

  static Tensor make(const Tensor& x, int dim, bool reversed) {
    Tensor out = run(x, dim, reversed, [](auto a, auto b) { return a + b; });
    return records(x) ? record(std::move(out), new Cumsum(dim, reversed, x.ndim() == 0), x) : out;
  }

 private:
  int dim_;
  bool reversed_, scalar_;
};

// x moved along a dimension by `by` places (down when negative), with `fill`, 0 or 1, in the places left empty.
Tensor shift(const Tensor& x, int dim, std::int64_t by, int fill) {
  const std::int64_t n = x.size(dim), kept = std::max<std::int64_t>(n - std::abs(by), 0);
  const std::int64_t from = by < 0 ? n - kept : 0, to = by > 0 ? n - kept : 0;
  const Tensor part = slice(x, dim, from, from + kept);
  Placement p{x.shape(), part.shape(), contiguous_strides(x.shape()), 0};
  p.offset = kept ? to * p.strides[dim] : 0;
  const Tensor moved = place(part, p);
  if (fill == 0) return moved;
  Tensor edge = ones(x.shape(), x.dtype());
  copy_elements(slice(edge, dim, to, to + kept), zeros({}, x.dtype()));
  return moved + edge;
}

// Inclusive products in log2(n) steps: after step s each element is the product of up to 2^s elements that end (sign > 0) or
// begin (sign < 0) with it.
Tensor scan_products(Tensor x, int dim, int sign) {
  for (std::int64_t s = 1; s < x.size(dim); s *= 2) x = x * shift(x, dim, sign * s, 1);
  return x;
}

// dx[k] = (product of x before k) * s[k], where s[k] = dy[k] + x[k + 1] * s[k + 1] collects what comes back from k on. The
// recurrence is solved by doubling: each step joins two stretches s -> b + a * s. Nothing is divided, so zeros need no care.
class Cumprod final : public Node {
 public:
  Cumprod(const Tensor& x, int dim) : x_(SavedTensor::input(x)), dim_(dim), scalar_(x.ndim() == 0) {}
  const char* name() const override { return "CumprodBackward"; }
  void backward(Flow& flow) override {
    const Tensor x = x_.unpack(*this);
    if (x.ndim() == 0) return flow.downstream(0, flow.take_upstream());
    Tensor b = flow.upstream(), a = shift(x, dim_, -1, 0);
    for (std::int64_t s = 1; s < x.size(dim_); s *= 2) {
      b = b + a * shift(b, dim_, -s, 0);
      a = a * shift(a, dim_, -s, 0);
    }
    const Tensor dx = products_before(x, dim_) * b;
    const Text axis(std::to_string(dim_), Binding::atom);
    flow.downstream(0, phrase(dx, [axis](const Text* in) {
                      Text t = called("cumprod_gradient", in[0], in[1], axis);
                      t.needs |= kCumprodGradient;
                      return t;
                    }, x, flow.upstream()));
  }
  Tensors forward(const Replay& in) const override { return {cumprod(in[0], dim_)}; }
  Text text(const Text* in) const override {
    return scalar_ ? in[0] : called("np.cumprod", in[0], Text(cat("axis=", dim_), Binding::atom));
  }

 private:
  void release() override { x_.reset(); }
  SavedTensor x_;
  int dim_;
  bool scalar_;
};

// The type in which running sums are formed, unless it is said.
DType scan_type(const Tensor& x) { return is_floating(x.dtype()) ? x.dtype() : DType::int64; }

// x in the type to compute in: results of smaller integer types are those of int64 cut short.
Tensor computing(const Tensor& x, std::optional<DType> dtype) {
  const Tensor converted = dtype ? cast(x, *dtype) : x;
  return cast(converted, scan_type(converted));
}

}  // namespace

Tensor cumsum(const Tensor& x, int dim, std::optional<DType> dtype) {
  return cast(Cumsum::make(computing(x, dtype), dim, false), dtype.value_or(scan_type(x)));
}

Tensor cumprod(const Tensor& x, int dim, std::optional<DType> dtype) {
  const Tensor input = computing(x, dtype);
  Tensor out = run(input, dim, false, [](auto a, auto b) { return a * b; });
  if (records(input)) out = record(std::move(out), new Cumprod(input, dim), input);
  return cast(out, dtype.value_or(scan_type(x)));
}

Tensor products_before(const Tensor& x, int dim) { return shift(scan_products(x, dim, 1), dim, 1, 1); }
Tensor products_after(const Tensor& x, int dim) { return shift(scan_products(x, dim, -1), dim, -1, 1); }

}  // namespace gradgate
