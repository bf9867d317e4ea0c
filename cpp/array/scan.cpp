// The loops of running sums and products.
#include "array/scan.h"

#include <algorithm>
#include <functional>
#include <type_traits>
#include <vector>

#include "array/arrangement.h"
#include "array/copy.h"
#include "base/float_environment.h"
#include "base/host.h"

namespace gradgate {
namespace {

// Combines in type A, with one running value for each place behind the dimension.
template <class A, class T, class Combine>
void scan_along(const T* x, T* y, const Dims& shape, int dim, bool reversed, const Combine& combine) {
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

// The factor 1 of an empty place, and an added 0, leave numbers as they are but make -0 +0, as shifting does in the gate's rule.
template <class T>
void others_in_row(std::int64_t n, const T* x, T* before, T* after, T* out) {
  std::copy(x, x + n, before);
  std::copy(x, x + n, after);
  for (std::int64_t s = 1; s < n; s *= 2) {
    for (std::int64_t i = n - 1; i >= s; --i) before[i] *= before[i - s] + T(0);
    for (std::int64_t i = 0; i + s < n; ++i) after[i] *= after[i + s] + T(0);
  }
  for (std::int64_t i = 0; i < n; ++i) out[i] = (i > 0 ? before[i - 1] + T(0) : T(1)) * (i + 1 < n ? after[i + 1] + T(0) : T(1));
}

}  // namespace

void run_scan(Scan scan, const Array& x, int dim, bool reversed, const Array& out) {
  if (x.numel() == 0) return;
  const Array from = packed(x);
  FloatEnvironment environment;
  LongWork work(x.numel());
  visit(x.dtype(), [&]<class T>() {
    using A = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
    switch (scan) {
      case Scan::sum: return scan_along<A>(from.data<T>(), out.data<T>(), x.shape(), dim, reversed, std::plus<A>());
      case Scan::product: return scan_along<A>(from.data<T>(), out.data<T>(), x.shape(), dim, reversed, std::multiplies<A>());
    }
  });
}

void products_of_others(const Array& x, const Dims& dims, const Array& out) {
  const Array rows = arrange_rows(x, dims);
  const Array result = Array::empty(rows.shape(), x.dtype());
  const std::int64_t n = reduced_count(x.shape(), dims);
  FloatEnvironment environment;
  visit_floating("prod", x.dtype(), [&]<class T>() {
    const LongWork work(2 * x.numel());
    const auto size = static_cast<std::size_t>(n);
    std::vector<T> before(size), after(size);
    for (std::int64_t first = 0; n > 0 && first < x.numel(); first += n) {
      others_in_row(n, rows.data<T>() + first, before.data(), after.data(), result.data<T>() + first);
    }
  });
  copy_elements(out, dims_back(result, dims));
}

}  // namespace gradgate
