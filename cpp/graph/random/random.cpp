// Filling tensors with random numbers.
#include "graph/random/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "array/copy.h"
#include "graph/engine/types.h"
#include "graph/shapes/conversion.h"
#include "graph/elementwise/elementwise.h"

namespace gradgate {
namespace {

// One row's running sums; returns their last.
double accumulate_weights(const double* weights, std::vector<double>& sums) {
  double total = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (!(weights[i] >= 0) || std::isinf(weights[i]))
      fail<RuntimeError>("multinomial: the weights contain either inf, nan or an element < 0: ", weights[i], " at index ", i);
    sums[i] = total += weights[i];
  }
  if (!(total > 0) || std::isinf(total)) fail<RuntimeError>("multinomial: the sum of the weights must be positive and finite, got ", total);
  return total;
}

void draw_with_replacement(const double* weights, std::int64_t categories, std::int64_t count, double* uniform, std::int64_t* out) {
  std::vector<double> sums(static_cast<std::size_t>(categories));
  const double total = accumulate_weights(weights, sums);
  // Rounding may take a number up to the total itself, which lies beyond the last category that has weight.
  const auto last = std::lower_bound(sums.begin(), sums.end(), total);
  for (std::int64_t i = 0; i < count; ++i)
    out[i] = std::min(std::upper_bound(sums.begin(), sums.end(), uniform[i] * total), last) - sums.begin();
}

void draw_without_replacement(const double* weights, std::int64_t categories, std::int64_t count, double* times, std::int64_t* out) {
  std::vector<double> sums(static_cast<std::size_t>(categories));
  accumulate_weights(weights, sums);
  const std::int64_t present = std::count_if(weights, weights + categories, [](double w) { return w > 0; });
  if (count > present)
    fail<RuntimeError>("multinomial: cannot draw ", count, " samples without replacement from ", present, " categories of positive weight");
  for (std::int64_t i = 0; i < categories; ++i) times[i] /= weights[i];
  std::vector<std::int64_t> order(static_cast<std::size_t>(categories));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](std::int64_t a, std::int64_t b) {
    if (weights[a] == 0 || weights[b] == 0) return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
    return times[a] != times[b] ? times[a] < times[b] : a < b;
  });
  std::copy(order.begin(), order.begin() + count, out);
}

}  // namespace

std::uint64_t nondeterministic_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

void fill_uniform(const char* operation, const Tensor& out, Generator& generator, double from, double to) {
  if (!(from <= to)) fail<RuntimeError>(operation, ": expects from <= to, got from=", from, " and to=", to);
  visit_floating(operation, out.dtype(),
                 [&]<class T>() { draw_uniform<T>(generator.take(out.numel()), out.numel(), out.data<T>(), from, to); });
}

void fill_normal(const char* operation, const Tensor& out, Generator& generator, double mean, double deviation) {
  if (!(deviation >= 0)) fail<RuntimeError>(operation, ": expects std >= 0.0, but found std ", deviation);
  visit_floating(operation, out.dtype(),
                 [&]<class T>() { draw_normal<T>(generator.take(out.numel()), out.numel(), out.data<T>(), mean, deviation); });
}

void fill_exponential(const char* operation, const Tensor& out, Generator& generator, double lambda) {
  if (!(lambda > 0)) fail<RuntimeError>(operation, ": expects lambda > 0.0, but found lambda=", lambda);
  visit_floating(operation, out.dtype(),
                 [&]<class T>() { draw_exponential<T>(generator.take(out.numel()), out.numel(), out.data<T>(), lambda); });
}

void fill_bernoulli(const char* operation, const Tensor& out, Generator& generator, double p) {
  if (!(p >= 0 && p <= 1)) fail<RuntimeError>(operation, ": expects p to be in [0, 1], but got p=", p);
  const Tensor coins = Tensor::empty(out.shape(), DType::boolean);
  draw_coins(generator.take(out.numel()), out.numel(), coins.data<bool>(), p);
  copy_elements(out, coins);
}

void fill_bernoulli(const char* operation, const Tensor& out, Generator& generator, const Tensor& p) {
  if (!is_floating(p.dtype())) fail<RuntimeError>(operation, ": the probabilities must be floating-point, got ", p.dtype());
  const Tensor probabilities = Tensor::empty(out.shape(), DType::float64);
  copy_elements(probabilities, p);
  const auto* value = probabilities.data<double>();
  for (std::int64_t i = 0; i < out.numel(); ++i)
    if (!(value[i] >= 0 && value[i] <= 1)) fail<RuntimeError>(operation, ": expects probabilities in [0, 1], but got ", value[i]);
  const Tensor coins = Tensor::empty(out.shape(), DType::boolean);
  draw_coins(generator.take(out.numel()), out.numel(), coins.data<bool>(), value);
  copy_elements(out, coins);
}

void fill_integers(const char* operation, const Tensor& out, Generator& generator, std::int64_t low, std::int64_t high) {
  if (low >= high) fail<RuntimeError>(operation, ": expects 'from' to be less than 'to', but got from=", low, " >= to=", high);
  const bool same_type = out.dtype() == DType::int64;
  const Tensor integers = same_type ? out : Tensor::empty(out.shape(), DType::int64);
  const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  draw_integers(generator.take(out.numel()), out.numel(), integers.data<std::int64_t>(), low, range);
  if (!same_type) copy_elements(out, integers);
}

Tensor normal(const Tensor& mean, const Tensor& deviation, Generator& generator) {
  const DType dtype = result_type(mean, deviation);
  const Tensor spread = cast(deviation.alias(), dtype), centre = cast(mean.alias(), dtype);
  visit_floating("normal", dtype, [&]<class T>() {
    const Tensor checked = contiguous(spread);
    for (std::int64_t i = 0; i < checked.numel(); ++i)
      if (!(checked.data<T>()[i] >= 0)) fail<RuntimeError>("normal: expects all elements of std >= 0.0, but found ", checked.data<T>()[i]);
  });
  Tensor out = Tensor::empty(broadcast_shapes("normal", mean.shape(), deviation.shape()), dtype);
  fill_normal("normal", out, generator, 0, 1);
  return centre + spread * out;
}

Tensor permutation(std::int64_t n, DType dtype, Generator& generator) {
  Tensor out = Tensor::empty({n}, DType::int64);
  draw_permutation(generator.take(n), n, out.data<std::int64_t>());
  return cast(out, dtype);
}

Tensor multinomial(const Tensor& weights, std::int64_t count, bool replacement, Generator& generator) {
  if (!is_floating(weights.dtype()))
    fail<RuntimeError>("multinomial: only supports floating-point dtypes for input, got ", weights.dtype());
  if (weights.ndim() != 1 && weights.ndim() != 2)
    fail<RuntimeError>("multinomial: the weights must have 1 or 2 dimensions, got shape ", weights.shape());
  const std::int64_t categories = weights.size(weights.ndim() - 1), rows = weights.ndim() == 2 ? weights.size(0) : 1;
  if (count <= 0) fail<RuntimeError>("multinomial: cannot sample num_samples <= 0 samples, got ", count);
  if (!replacement && count > categories)
    fail<RuntimeError>("multinomial: cannot sample num_samples (", count, ") > the number of categories (", categories,
                       ") without replacement");
  Tensor values = Tensor::empty(weights.shape(), DType::float64);
  copy_elements(values, weights);
  const std::int64_t drawn = replacement ? count : categories;
  const Tensor numbers = Tensor::empty({rows, drawn}, DType::float64);
  if (replacement)
    fill_uniform("multinomial", numbers, generator, 0, 1);
  else
    fill_exponential("multinomial", numbers, generator, 1);
  Tensor out = Tensor::empty(weights.ndim() == 2 ? Dims{rows, count} : Dims{count}, DType::int64);
  const auto draw = replacement ? draw_with_replacement : draw_without_replacement;
  for (std::int64_t r = 0; r < rows; ++r)
    draw(values.data<double>() + r * categories, categories, count, numbers.data<double>() + r * drawn,
         out.data<std::int64_t>() + r * count);
  return out;
}

}  // namespace gradgate
