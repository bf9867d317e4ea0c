// Moments by the reductions of all elements, quantiles by sorting a few.
#include "account/distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/error.h"
#include "array/copy.h"
#include "graph/engine/node.h"
#include "graph/reduce/reduce.h"
#include "graph/reduce/norm.h"

namespace gradgate {
namespace {

// A quantile of so many has a rank with a deviation of at most 6 %.
constexpr std::size_t kSorted = 64;

// Sorts numbers, none of them NaN, by counting for each those below it. That has no branch that a processor could guess wrong, which is
// what sorting so few takes most of its time for.
template <class T>
std::array<T, kSorted> sorted_by_rank(const std::array<T, kSorted>& x) {
  std::array<T, kSorted> sorted;
  std::array<std::uint8_t, kSorted> equal{};  // numbers of this rank so far
  for (const T value : x) {
    std::int32_t below = 0;
    for (std::size_t j = 0; j < kSorted; ++j) below += x[j] < value;
    const auto rank = static_cast<std::size_t>(below);
    sorted[rank + equal[rank]++] = value;
  }
  return sorted;
}

// The quantiles of at most kSorted numbers, of which NaN is the largest.
template <class T>
void find_quantiles(const Tensor& sample, std::array<double, kQuantiles.size()>& quantiles) {
  constexpr T kInfinity = std::numeric_limits<T>::infinity();
  std::array<T, kSorted> values;
  values.fill(kInfinity);
  const std::int64_t n = sample.numel();
  std::int64_t numbers = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const T x = sample.data<T>()[i];
    if (x == x) values[static_cast<std::size_t>(numbers++)] = x;
  }
  const std::array<T, kSorted> sorted = sorted_by_rank(values);
  for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
    const auto place = static_cast<std::size_t>(kQuantiles[i] * static_cast<double>(n - 1) + 0.5);
    const bool is_number = place < static_cast<std::size_t>(numbers);
    quantiles[i] = is_number ? static_cast<double>(sorted[place]) : std::numeric_limits<double>::quiet_NaN();
  }
}

// All elements in the order in which they lie in memory: the weight of a Linear is a transposed view, whose rows are far apart.
Tensor in_memory_order(const Array& t) {
  const Dims all{t.numel()}, one{1};
  return Tensor(is_dense(t) ? t.viewed(all, one) : packed(t).viewed(all, one));
}

double number(const Array& t) {
  return visit_floating("distribution", t.dtype(), [&]<class T>() { return static_cast<double>(*t.data<T>()); });
}

template <class See>
void each(const Tensor& t, See see) {
  visit_floating("distribution", t.dtype(), [&]<class T>() {
    for (std::int64_t i = 0; i < t.numel(); ++i) see(static_cast<double>(t.data<T>()[i]));
  });
}

// For each unit whether any of its outputs is another number than 0. The bits are gathered whole, which takes no conversion of their
// width, from four rows at a time, and looked at once at the end; the sign does not count.
template <class Bits, class T>
std::vector<bool> active_units(const T* x, std::int64_t rows, std::int64_t units) {
  std::vector<Bits> gathered(static_cast<std::size_t>(units));
  Bits* const bits = gathered.data();
  const auto at = [&](std::int64_t r, std::int64_t u) { return std::bit_cast<Bits>(x[r * units + u]); };
  std::int64_t r = 0;
  for (; r + 4 <= rows; r += 4)
    for (std::int64_t u = 0; u < units; ++u) bits[u] |= at(r, u) | at(r + 1, u) | at(r + 2, u) | at(r + 3, u);
  for (; r < rows; ++r)
    for (std::int64_t u = 0; u < units; ++u) bits[u] |= at(r, u);
  std::vector<bool> active(static_cast<std::size_t>(units));
  for (std::int64_t u = 0; u < units; ++u) active[static_cast<std::size_t>(u)] = static_cast<Bits>(bits[u] << 1) != 0;
  return active;
}

}  // namespace

Tensor spread_out(const Tensor& t, std::int64_t count) {
  const Tensor all = in_memory_order(t);
  // An odd stride does not keep to some columns of a matrix.
  const std::int64_t n = all.numel(), stride = std::max<std::int64_t>(1, (n + count - 1) / count) | 1;
  return Tensor(copied(all.alias(Dims{(n + stride - 1) / stride}, Dims{stride})));
}

double safe_norm(const Tensor& t) {
  GradMode off(false);
  const Tensor all = in_memory_order(t);
  const double direct = number(norm(all));
  if (direct > 1e-15 && direct < 1e15) return direct;
  double largest = 0, sum = 0;
  each(all, [&](double x) { largest = !(std::abs(x) <= largest) ? std::abs(x) : largest; });
  if (largest == 0 || !std::isfinite(largest)) return largest;
  each(all, [&](double x) { sum += (x / largest) * (x / largest); });
  return largest * std::sqrt(sum);
}

double count_silent(const Tensor& t, const Tensor& silent, std::int64_t limit) {
  const std::int64_t units = silent.numel(), rows = units ? t.numel() / units : 0;
  if (silent.dtype() != DType::int64 || !silent.is_contiguous() || units * rows != t.numel() || units == 0)
    fail<RuntimeError>("count_silent: expected an int64 for each of the last dimension of ", t.shape(), ", got ", silent.shape());
  const Array x = packed(t);
  const std::vector<bool> active = visit_floating("count_silent", x.dtype(), [&]<class T>() {
    using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
    static_assert(sizeof(T) == sizeof(Bits));
    return active_units<Bits>(x.data<T>(), rows, units);
  });
  std::int64_t* counts = silent.data<std::int64_t>();
  std::int64_t dead = 0;
  for (std::int64_t u = 0; u < units; ++u) {
    counts[u] = active[static_cast<std::size_t>(u)] ? 0 : counts[u] + rows;
    dead += counts[u] >= limit;
  }
  return static_cast<double>(dead) / static_cast<double>(units);
}

Distribution distribution(const Tensor& t) {
  if (!is_floating(t.dtype())) fail<RuntimeError>("distribution: expected a floating point tensor, got ", t.dtype());
  GradMode off(false);
  const Tensor all = in_memory_order(t);
  Distribution d;
  if (t.numel() == 0) {
    d.mean = d.deviation = d.size = std::numeric_limits<double>::quiet_NaN();
    return d;
  }
  const double n = static_cast<double>(t.numel());
  d.mean = number(mean(all));
  d.size = safe_norm(all) / std::sqrt(n);
  double square = d.size * d.size - d.mean * d.mean;
  // Where elements hardly differ, the difference of the squares has no right digit.
  if (!(square > 1e-3 * d.size * d.size)) {
    square = 0;
    each(all, [&](double x) { square += (x - d.mean) * (x - d.mean) / n; });
  }
  d.deviation = std::sqrt(square);
  return d;
}

std::array<double, kQuantiles.size()> quantiles(const Tensor& t) {
  std::array<double, kQuantiles.size()> found;
  if (t.numel() == 0) {
    found.fill(std::numeric_limits<double>::quiet_NaN());
    return found;
  }
  const Tensor sample = spread_out(t, kSorted);
  visit_floating("quantiles", t.dtype(), [&]<class T>() { find_quantiles<T>(sample, found); });
  return found;
}

}  // namespace gradgate
