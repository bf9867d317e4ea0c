// The gates of running sums and products.
#include "graph/reduce/scan.h"

#include <algorithm>
#include <cstdlib>

#include "array/copy.h"
#include "array/scan.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/phrase.h"
#include "graph/engine/texts.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace gradgate {
namespace {

const GateKind kCumsum("cumsum"), kCumprod("cumprod");

class Cumsum final : public Gate {
 public:
  Cumsum(int dim, bool reversed) : dim_(dim), reversed_(reversed) {}
  const GateKind& kind() const override { return kCumsum; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{in[0].shape(), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override { run_scan(Scan::sum, in[0], dim_, reversed_, out[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, evaluate(Cumsum(dim_, !reversed_), c.upstream())); }
  Text text(const InputTexts& in) const override {
    if (in.ndim() == 0) return in[0];
    const Text axis(cat("axis=", dim_), Binding::atom);
    if (!reversed_) return called("np.cumsum", in[0], axis);
    return called("np.flip", called("np.cumsum", called("np.flip", in[0], axis), axis), axis);
  }

 private:
  int dim_;
  bool reversed_;
};

// x moved along a dimension by `by` places (down when negative), with `fill`, 0 or 1, in the places left empty.
Tensor shift(const Tensor& x, int dim, std::int64_t by, int fill) {
  const std::int64_t n = x.size(dim), kept = std::max<std::int64_t>(n - std::abs(by), 0);
  const std::int64_t from = by < 0 ? n - kept : 0, to = by > 0 ? n - kept : 0;
  const Tensor part = slice(x, dim, from, from + kept);
  Placement p{x.shape(), part.shape(), contiguous_strides(x.shape()), 0};
  p.offset = kept ? to * p.strides[dim] : 0;
  const Tensor moved = place_part(part, p);
  if (fill == 0) return moved;
  const Tensor edge = ones(x.shape(), x.dtype());
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
class Cumprod final : public Gate {
 public:
  explicit Cumprod(int dim) : dim_(dim) {}
  const GateKind& kind() const override { return kCumprod; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{in[0].shape(), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override { run_scan(Scan::product, in[0], dim_, false, out[0]); }
  Saved saves(unsigned) const override { return {1, 0}; }
  void rule(BackwardContext& c) const override {
    const Tensor x = c.input(0);
    if (x.ndim() == 0) return c.downstream(0, c.take_upstream());
    Tensor b = c.upstream(), a = shift(x, dim_, -1, 0);
    for (std::int64_t s = 1; s < x.size(dim_); s *= 2) {
      b = b + a * shift(b, dim_, -s, 0);
      a = a * shift(a, dim_, -s, 0);
    }
    const Tensor dx = products_before(x, dim_) * b;
    const Text axis(std::to_string(dim_), Binding::atom);
    c.downstream(0, phrase(dx, [axis](const InputTexts& in) {
                   Text t = called("cumprod_gradient", in[0], in[1], axis);
                   t.needs |= kCumprodGradient;
                   return t;
                 }, x, c.upstream()));
  }
  Text text(const InputTexts& in) const override {
    return in.ndim() == 0 ? in[0] : called("np.cumprod", in[0], Text(cat("axis=", dim_), Binding::atom));
  }

 private:
  int dim_;
};

// The type in which running sums are formed, unless it is said.
DType scan_type(const Tensor& x) { return is_floating(x.dtype()) ? x.dtype() : DType::int64; }

// The gate on x in the type to compute in: results of smaller integer types are those of int64 cut short.
template <class G>
Tensor scan_in(const G& gate, const Tensor& x, std::optional<DType> dtype) {
  const Tensor input = dtype ? cast(x, *dtype) : x;
  return cast(evaluate(gate, cast(input, scan_type(input))), dtype.value_or(scan_type(x)));
}

}  // namespace

Tensor cumsum(const Tensor& x, int dim, std::optional<DType> dtype) { return scan_in(Cumsum(dim, false), x, dtype); }
Tensor cumprod(const Tensor& x, int dim, std::optional<DType> dtype) { return scan_in(Cumprod(dim), x, dtype); }

Tensor products_before(const Tensor& x, int dim) { return shift(scan_products(x, dim, 1), dim, 1, 1); }
Tensor products_after(const Tensor& x, int dim) { return shift(scan_products(x, dim, -1), dim, -1, 1); }

}  // namespace gradgate
