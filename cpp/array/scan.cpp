// The loops of running sums and products.
#include "array/scan.h"

#include <functional>
#include <type_traits>
#include <vector>

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

}  // namespace gradgate
