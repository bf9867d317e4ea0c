// The bits that the kernels give, against recorded ones: the same on every instruction set, architecture, compiler and thread count.
//
// Every result is reduced to one number, so that an ARM machine can be held to what an x86 one gave. A gate that is not recorded is
// only compared among the instruction sets of this machine; `bits_test --record` prints expected_bits.h anew after a formula is changed.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "check.h"
#include "expected_bits.h"
#include "gates/binary.h"
#include "gates/ternary.h"
#include "gates/unary.h"
#include "kernels/dispatch.h"
#include "kernels/matmul.h"
#include "kernels/normalization.h"
#include "kernels/random.h"
#include "kernels/reduce.h"
#include "kernels/softmax.h"

namespace gradgate {
namespace {

template <class T>
using Array = std::vector<T>;
using Results = std::map<std::string, std::uint64_t>;

// FNV-1a over the bytes of numbers, which are little-endian wherever this library runs; the sign and payload of NaN are left out.
class Digest {
 public:
  template <class T>
  void add(const Array<T>& values) {
    for (T value : values) {
      if (value != value) value = std::numeric_limits<T>::quiet_NaN();
      unsigned char bytes[sizeof(T)];
      std::memcpy(bytes, &value, sizeof(T));
      for (unsigned char byte : bytes) hash_ = (hash_ ^ byte) * 0x100000001b3;
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

// SplitMix64, so that the inputs owe nothing to what is tested.
class Words {
 public:
  explicit Words(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [-scale, scale), with all the bits of T.
  template <class T>
  T number(T scale) {
    constexpr int digits = std::numeric_limits<T>::digits;
    constexpr T half = static_cast<T>(std::uint64_t{1} << (digits - 1));
    return (static_cast<T>(next() >> (64 - digits)) - half) * (scale / half);
  }

 private:
  std::uint64_t state_;
};

template <class T>
Array<T> numbers(std::size_t n, std::uint64_t seed, T scale = 4) {
  Words words(seed);
  Array<T> result(n);
  for (T& x : result) x = words.number(scale);
  return result;
}

// Every kind of value: those of ordinary size, any bit pattern at all, and the special ones.
template <class T>
Array<T> all_kinds(std::uint64_t seed) {
  using Limits = std::numeric_limits<T>;
  Array<T> result = numbers<T>(3000, seed);
  for (T scale : {T(0.01), T(100)})
    for (T x : numbers<T>(500, seed + 1, scale)) result.push_back(x);
  Words words(seed + 2);
  for (int i = 0; i < 3001; ++i) {
    const std::uint64_t word = words.next();
    T x;
    std::memcpy(&x, reinterpret_cast<const unsigned char*>(&word), sizeof(T));
    result.push_back(x);
  }
  for (T x : {T(0), T(0.5), T(1), T(2), Limits::min(), Limits::denorm_min(), Limits::max(), Limits::infinity(), Limits::quiet_NaN()})
    for (T sign : {T(1), T(-1)}) result.push_back(sign * x);
  return result;
}

template <class T>
void digest_unary(Results& results) {
  const ElementwiseTable<T>& table = kernels().of<T>().elementwise;
  const Array<T> x = all_kinds<T>(1), dy = numbers<T>(x.size(), 2);
  const auto n = static_cast<std::int64_t>(x.size());
  UnaryGates::each([&]<class G>() {
    constexpr int index = UnaryGates::index<G>();
    double scalars[kMaxGateScalars];
    for (int i = 0; i < kMaxGateScalars; ++i) scalars[i] = G::info.scalars[i].value;
    Array<T> y(x.size()), dx(x.size());
    table.unary[index](n, x.data(), y.data(), scalars);
    table.unary_backward[index](n, dy.data(), x.data(), y.data(), dx.data(), scalars);
    Digest digest;
    digest.add(y);
    digest.add(dx);
    results[std::string(G::info.name) + (sizeof(T) == 4 ? " float32" : " float64")] = digest.value();
  });
}

template <class T>
void digest_binary(Results& results) {
  const ElementwiseTable<T>& table = kernels().of<T>().elementwise;
  const Array<T> a = all_kinds<T>(3), b = all_kinds<T>(4), c = all_kinds<T>(5), dy = numbers<T>(a.size(), 6);
  const auto n = static_cast<std::int64_t>(a.size());
  const char* type = sizeof(T) == 4 ? " float32" : " float64";
  BinaryGates::each([&]<class G>() {
    constexpr int index = BinaryGates::index<G>();
    Array<T> y(a.size()), dx(a.size());
    table.binary[index](n, a.data(), b.data(), y.data());
    Digest digest;
    digest.add(y);
    for (auto backward : table.binary_backward[index]) {
      backward(n, dy.data(), a.data(), b.data(), y.data(), dx.data());
      digest.add(dx);
    }
    results[G::info.name + std::string(type)] = digest.value();
  });
  TernaryGates::each([&]<class G>() {
    Array<T> y(a.size());
    table.ternary[TernaryGates::index<G>()](n, a.data(), b.data(), c.data(), y.data());
    Digest digest;
    digest.add(y);
    results[G::info.name + std::string(type)] = digest.value();
  });
}

// Lengths around lanes, virtual lanes and chunks.
constexpr std::int64_t kLengths[] = {1, 2, 15, 17, 63, 64, 65, 4095, 4096, 4097, 9001};

template <class T>
void digest_reductions(Results& results) {
  Digest rows, columns, deviations;
  for (std::int64_t n : kLengths) {
    const Array<T> x = numbers<T>(static_cast<std::size_t>(3 * n), 7), center = numbers<T>(3 * 300, 8);
    for (int i = 0; i < kReductions; ++i) {
      Array<T> y(3);
      reduce_rows(Reduction(i), 3, n, x.data(), y.data());
      rows.add(y);
      y.resize(static_cast<std::size_t>(n));
      reduce_columns(Reduction(i), 1, 3, n, x.data(), y.data());
      columns.add(y);
      y.resize(3);
      reduce_columns(Reduction(i), 1, n, 3, x.data(), y.data());
      columns.add(y);
    }
    Array<T> y(3);
    sum_squared_deviations(3, n, 1, x.data(), center.data(), y.data());
    deviations.add(y);
    sum_squared_deviations(1, n, 3, x.data(), center.data(), y.data());
    deviations.add(y);
  }
  const std::string type = sizeof(T) == 4 ? "float32" : "float64";
  results["(reductions of rows) " + type] = rows.value();
  results["(reductions of columns) " + type] = columns.value();
  results["(squared deviations) " + type] = deviations.value();
}

template <class T>
void digest_rows(Results& results) {
  Digest softmax, norm;
  for (std::int64_t n : kLengths) {
    constexpr std::int64_t rows = 5;
    const auto size = static_cast<std::size_t>(rows * n);
    const Array<T> x = numbers<T>(size, 9, 20), dy = numbers<T>(size, 10), weight = numbers<T>(size, 11), bias = numbers<T>(size, 12);
    Array<T> y(size), dx(size), one(rows), other(rows), dweight(static_cast<std::size_t>(n));
    softmax_forward<T>(&SoftmaxTable<T>::softmax, rows, n, x.data(), y.data());
    softmax_backward<T>(&SoftmaxTable<T>::softmax_backward, rows, n, dy.data(), y.data(), dx.data());
    for (const auto* array : {&y, &dx}) softmax.add(*array);
    softmax_forward<T>(&SoftmaxTable<T>::log_softmax, rows, n, x.data(), y.data());
    softmax_backward<T>(&SoftmaxTable<T>::log_softmax_backward, rows, n, dy.data(), y.data(), dx.data());
    logsumexp_rows(rows, n, x.data(), one.data());
    for (const auto* array : {&y, &dx, &one}) softmax.add(*array);

    layer_norm_rows(rows, n, x.data(), weight.data(), bias.data(), T(1e-5), y.data(), one.data(), other.data());
    layer_norm_rows_backward(rows, n, dy.data(), x.data(), one.data(), other.data(), weight.data(), dx.data());
    layer_norm_rows_weight(rows, n, dy.data(), x.data(), one.data(), other.data(), dweight.data());
    for (const auto* array : {&y, &one, &other, &dx, &dweight}) norm.add(*array);
  }
  const std::string type = sizeof(T) == 4 ? "float32" : "float64";
  results["(softmax and its kin) " + type] = softmax.value();
  results["(layer normalisation) " + type] = norm.value();
}

template <class T>
void digest_products(Results& results) {
  Digest digest;
  constexpr std::int64_t shapes[][3] = {{1, 1, 1}, {1, 300, 700}, {7, 13, 255}, {33, 50, 257}, {100, 90, 600}, {257, 129, 65}};
  for (const auto& [m, n, k] : shapes) {
    const Array<T> a = numbers<T>(static_cast<std::size_t>(m * k), 13), b = numbers<T>(static_cast<std::size_t>(k * n), 14);
    const Array<T> bias = numbers<T>(static_cast<std::size_t>(n), 15);
    Array<T> c(static_cast<std::size_t>(m * n));
    MatmulProblem<T> problem{m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n};
    problem.bias = bias.data();
    matmul(problem);
    digest.add(c);
    problem.accumulate = true;  // and both operands transposed
    problem.a_row = 1, problem.a_col = m, problem.b_row = 1, problem.b_col = k;
    matmul(problem);
    digest.add(c);
  }
  results[std::string("(products) ") + (sizeof(T) == 4 ? "float32" : "float64")] = digest.value();
}

template <class T>
void digest_random(Results& results) {
  Digest digest;
  for (std::uint64_t position : {std::uint64_t{0}, std::uint64_t{77}}) {
    const RandomStart start{20, position};
    Array<T> x(5001);
    const auto n = static_cast<std::int64_t>(x.size());
    draw_uniform(start, n, x.data(), -1.0, 3.0);
    digest.add(x);
    draw_normal(start, n, x.data(), 0.5, 2.0);
    digest.add(x);
    draw_exponential(start, n, x.data(), 1.5);
    digest.add(x);
  }
  results[std::string("(random numbers) ") + (sizeof(T) == 4 ? "float32" : "float64")] = digest.value();
}

void digest_random_integers(Results& results) {
  Digest digest;
  const RandomStart start{21, 5};
  Array<std::int64_t> x(3001);
  const auto n = static_cast<std::int64_t>(x.size());
  for (std::uint64_t range : {std::uint64_t{6}, std::uint64_t{1} << 63, std::uint64_t{0}}) {
    draw_integers(start, n, x.data(), -3, range);
    digest.add(x);
  }
  draw_permutation(start, n, x.data());
  digest.add(x);
  results["(random integers)"] = digest.value();
}

Results digests() {
  Results results;
  const auto of_type = [&]<class T>() {
    digest_unary<T>(results);
    digest_binary<T>(results);
    digest_reductions<T>(results);
    digest_rows<T>(results);
    digest_products<T>(results);
    digest_random<T>(results);
  };
  of_type.operator()<float>();
  of_type.operator()<double>();
  digest_random_integers(results);
  return results;
}

void record() {
  std::printf("// What each kernel gave, forward and backward, as one number: written by `bits_test --record`.\n#pragma once\n\n");
  std::printf("#include <cstdint>\n\nnamespace gradgate {\n\nstruct ExpectedBits {\n  const char* name;\n  std::uint64_t digest;\n};\n\n");
  std::printf("inline constexpr ExpectedBits kExpectedBits[] = {\n");
  set_isa("baseline");
  for (const auto& [name, digest] : digests())
    std::printf("    {\"%s\", 0x%016llx},\n", name.c_str(), static_cast<unsigned long long>(digest));
  std::printf("};\n\n}  // namespace gradgate\n");
}

void compare() {
  set_isa("baseline");
  set_num_threads(1);
  const Results baseline = digests();
  for (const ExpectedBits& expected : kExpectedBits) {
    const auto found = baseline.find(expected.name);
    CHECK_MESSAGE(found != baseline.end(), std::string(expected.name) + " is recorded, but no longer computed");
    if (found != baseline.end())
      CHECK_MESSAGE(found->second == expected.digest, std::string(expected.name) + " gives other bits than those recorded");
  }
  for (const std::string& isa : available_isas())
    for (int threads : {1, 3}) {
      set_isa(isa);
      set_num_threads(threads);
      for (const auto& [name, digest] : digests())
        CHECK_MESSAGE(digest == baseline.at(name), name + " gives other bits on " + isa + " than on baseline");
    }
}

}  // namespace
}  // namespace gradgate

int main(int count, char** arguments) {
  if (count > 1 && arguments[1] == std::string_view("--record")) {
    gradgate::record();
    return 0;
  }
  gradgate::compare();
  return gradgate::test_status("bits");
}
