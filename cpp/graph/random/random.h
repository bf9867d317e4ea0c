// Generator: a position in a stream of random numbers; and the tensors that are filled from it.
//
// Every element that is drawn takes one position, whatever its type and distribution, and element i of a row-major tensor takes
// the i-th from the generator's: two requests of n and m elements give the numbers of one request of n + m.
#pragma once

#include <atomic>
#include <cstdint>

#include "graph/engine/tensor.h"
#include "kernels/random.h"

namespace gradgate {

class Generator {
 public:
  static constexpr std::uint64_t kDefaultSeed = 67280421310721;

  explicit Generator(std::uint64_t seed = kDefaultSeed) : seed_(seed) {}

  void set(RandomStart start) {
    seed_ = start.seed;
    position_ = start.position;
  }
  RandomStart state() const { return {seed_, position_}; }
  // The state, before it moves past `count` elements.
  RandomStart take(std::int64_t count) { return {seed_, position_.fetch_add(static_cast<std::uint64_t>(count))}; }

 private:
  std::atomic<std::uint64_t> seed_, position_ = 0;
};

// A seed that the operating system gives.
std::uint64_t nondeterministic_seed();

// Each fills a row-major tensor; `operation` is named in errors. The first three need a floating-point type.
void fill_uniform(const char* operation, const Tensor& out, Generator& generator, double from, double to);
void fill_normal(const char* operation, const Tensor& out, Generator& generator, double mean, double deviation);
void fill_exponential(const char* operation, const Tensor& out, Generator& generator, double lambda);
// Ones with the probability p, else zeros.
void fill_bernoulli(const char* operation, const Tensor& out, Generator& generator, double p);
// With the probabilities of a floating-point tensor of out's shape.
void fill_bernoulli(const char* operation, const Tensor& out, Generator& generator, const Tensor& p);
// Equally likely integers low ... high - 1.
void fill_integers(const char* operation, const Tensor& out, Generator& generator, std::int64_t low, std::int64_t high);

// mean + deviation * normal numbers, off the graph; of the type and shape to which both promote and broadcast.
Tensor normal(const Tensor& mean, const Tensor& deviation, Generator& generator);

Tensor permutation(std::int64_t n, DType dtype, Generator& generator);

// `count` indices for each row of weights (shape (categories,) or (rows, categories)), as int64. With replacement an index is where
// a uniform number falls among the running sums of the weights, one element drawn for each; without, the indices of the `count`
// smallest of Exp(1) / weight, smallest first, one element drawn for each weight, float64 (Efraimidis and Spirakis, 2006).
Tensor multinomial(const Tensor& weights, std::int64_t count, bool replacement, Generator& generator);

}  // namespace gradgate
