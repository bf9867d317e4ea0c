// The matrix product, bit for bit against a scalar reference, on every instruction set and several thread counts.
#include "kernels/matmul.h"

#include <cfenv>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"
#include "check.h"
#include "kernels/dispatch.h"

using namespace gradgate;

namespace {

// The contract, written down: blocks of kKC values of k, each a chain of fma from +0, added in order; the bias last.
template <class T>
void reference(const MatmulProblem<T>& p) {
  for (std::int64_t i = 0; i < p.m; ++i) {
    for (std::int64_t j = 0; j < p.n; ++j) {
      T& c = p.c[i * p.c_row + j];
      if (!p.accumulate && p.k == 0) c = 0;
      for (std::int64_t k0 = 0; k0 < p.k; k0 += kKC) {
        T sum = 0;
        for (std::int64_t k = k0; k < std::min(k0 + kKC, p.k); ++k)
          sum = std::fma(p.a[i * p.a_row + k * p.a_col], p.b[k * p.b_row + j * p.b_col], sum);
        c = p.accumulate || k0 > 0 ? c + sum : sum;
      }
      if (p.bias) c += p.bias[j];
    }
  }
}

std::mt19937 generator(12345);

std::int64_t pick(std::int64_t low, std::int64_t high) { return std::uniform_int_distribution<std::int64_t>(low, high)(generator); }

template <class T>
T random_value() {
  return static_cast<T>(std::normal_distribution<double>()(generator));
}

// How an operand lies in memory.
enum class Layout { rows, columns, padded_rows, padded_columns, strided, reversed, repeated_rows, repeated_columns };
constexpr int kLayouts = 8;

// An operand in a block of exactly the bytes it needs, so that a sanitizer sees every read beyond it.
template <class T>
struct Operand {
  std::vector<T> memory;
  const T* p;
  std::int64_t row = 0, column = 1;

  Operand(std::int64_t rows, std::int64_t columns, Layout layout) {
    switch (layout) {
      case Layout::rows: row = columns, column = 1; break;
      case Layout::columns: row = 1, column = rows; break;
      case Layout::padded_rows: row = columns + 5, column = 1; break;
      case Layout::padded_columns: row = 1, column = rows + 3; break;
      case Layout::strided: row = 2 * columns + 1, column = 2; break;
      case Layout::reversed: row = -columns, column = 1; break;
      case Layout::repeated_rows: row = 0, column = 1; break;
      case Layout::repeated_columns: row = 1, column = 0; break;
    }
    std::int64_t size = 0;
    if (rows > 0 && columns > 0) size = std::abs((rows - 1) * row) + (columns - 1) * column + 1;
    memory.resize(static_cast<std::size_t>(size));
    for (T& x : memory) x = random_value<T>();
    p = memory.data() + (row < 0 && rows > 0 ? (1 - rows) * row : 0);
  }
};

template <class T>
struct Case {
  std::int64_t m, n, k;
  Layout a = Layout::rows, b = Layout::rows;
  std::int64_t padding = 0;  // of C's rows
  bool accumulate = false, bias = false;
  std::int64_t count = 1;
  bool shares_a = false, shares_b = false;

  std::string text() const {
    return cat(sizeof(T) == 4 ? "float32 " : "float64 ", m, " x ", k, " x ", n, ", layouts ", static_cast<int>(a), " ", static_cast<int>(b),
               ", padding ", padding, accumulate ? ", accumulate" : "", bias ? ", bias" : "", ", count ", count, ", ", active_isa(), ", ",
               get_num_threads(), " threads");
  }
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  return true;
}

// Operands and the expected C, against which any number of settings are held.
template <class T>
struct Trial {
  Case<T> shape;
  Operand<T> a, b;
  std::vector<T> bias, before, expected;

  explicit Trial(const Case<T>& s)
      : shape(s), a(s.m * (s.shares_a ? 1 : s.count), s.k, s.a), b(s.k, s.n * (s.shares_b ? 1 : s.count), s.b) {
    for (std::int64_t j = 0; j < s.n; ++j) bias.push_back(random_value<T>());
    const std::int64_t last_row = s.m > 0 ? (s.count * s.m - 1) * (s.n + s.padding) + s.n : 0;
    for (std::int64_t i = 0; i < last_row; ++i) before.push_back(random_value<T>());
    expected = before;
    for (std::int64_t i = 0; i < s.count; ++i) {
      MatmulProblem<T> item = problem(expected);
      item.a += i * batch().a;
      item.b += i * batch().b;
      item.c += i * batch().c;
      reference(item);
    }
  }

  MatmulProblem<T> problem(std::vector<T>& c) const {
    return {shape.m, shape.n, shape.k, a.p, a.row, a.column, b.p, b.row, b.column, c.data(), shape.n + shape.padding, shape.accumulate,
            shape.bias ? bias.data() : nullptr};
  }
  // The items' A lie below each other, their B side by side.
  MatmulBatch batch() const {
    return {shape.count, shape.shares_a ? 0 : shape.m * a.row, shape.shares_b ? 0 : shape.n * b.column,
            shape.m * (shape.n + shape.padding)};
  }

  void check() const {
    std::vector<T> c = before;
    if (shape.count == 1)
      matmul(problem(c));
    else
      matmul_batch(problem(c), batch());
    CHECK_MESSAGE(same_bits(c, expected), shape.text());
  }
};

// Where every thread count would take too long, two threads stand for all: for large products on the baseline, whose fused
// multiply-adds are calls, and on every instruction set under a sanitizer. There the baseline leaves the largest to the others.
#if defined(GRADGATE_SANITIZED)
constexpr bool kSanitized = true;
constexpr std::int64_t kSlowWork = 10'000, kMostBaselineWork = 1'000'000;
#else
constexpr bool kSanitized = false;
constexpr std::int64_t kSlowWork = 2'000'000, kMostBaselineWork = INT64_MAX;
#endif

template <class T>
void check_case(const Case<T>& shape) {
  const Trial<T> trial(shape);
  const std::int64_t work = shape.m * shape.n * shape.k;
  for (const std::string& isa : available_isas()) {
    const bool baseline = isa == "baseline";
    if (baseline && work > kMostBaselineWork) continue;
    set_isa(isa);
    const bool slow = work > kSlowWork && (baseline || kSanitized);
    for (int threads : {1, 2, 3, 4}) {
      if (slow && threads != 2) continue;
      set_num_threads(threads);
      trial.check();
    }
  }
}

template <class T>
void edge_shapes() {
  const std::vector<std::int64_t> sizes = {0, 1, 2, 3, 15, 16, 17, 33};
  for (std::int64_t m : sizes)
    for (std::int64_t n : sizes)
      for (std::int64_t k : sizes) check_case<T>({m, n, k});
  for (std::int64_t k : {255, 256, 257, 511, 512, 513, 1030}) {
    check_case<T>({3, 5, k});
    check_case<T>({15, 33, k, Layout::columns, Layout::columns, 0, true, true});
    check_case<T>({1, 130, k, Layout::rows, Layout::rows, 0, false, true});
    check_case<T>({130, 1, k, Layout::rows, Layout::rows, 0, true, true});
    check_case<T>({130, 1, k, Layout::columns, Layout::columns, 0, false, true});
    check_case<T>({130, 1, k, Layout::rows, Layout::rows, 3});
  }
}

// Every row count and column count of the micro-kernels.
template <class T>
void every_microkernel() {
  for (std::int64_t m = 1; m <= 29; ++m)
    for (std::int64_t n = 1; n <= 140; n += m == 1 ? 1 : pick(1, 12))
      check_case<T>({m, n, 7, Layout::rows, Layout::rows, 0, n % 2 == 0, n % 3 == 0});
}

template <class T>
void layouts() {
  for (int a = 0; a < kLayouts; ++a) {
    for (int b = 0; b < kLayouts; ++b) {
      const Layout la = static_cast<Layout>(a), lb = static_cast<Layout>(b);
      check_case<T>({19, 37, 23, la, lb, 0, false, false});
      check_case<T>({pick(1, 40), pick(1, 150), pick(1, 300), la, lb, pick(0, 5), true, true});
      if (!kSanitized || a == b) check_case<T>({pick(100, 250), pick(100, 250), pick(250, 300), la, lb, 1, false, true});
    }
  }
}

// Strides at which rows collide in the cache, more rows than a block of A has, more columns than packed B has.
template <class T>
void large_shapes() {
  check_case<T>({40, 200, 1024, Layout::rows, Layout::rows});
  check_case<T>({40, 1024, 300, Layout::columns, Layout::rows});
  check_case<T>({1200, 70, 300, Layout::rows, Layout::columns, 0, true, true});
  check_case<T>({300, 140, 300, Layout::columns, Layout::rows});
  check_case<T>({600, 2100, 3, Layout::rows, Layout::rows, 0, false, true});
  check_case<T>({150, 4200, 2, Layout::columns, Layout::rows});
}

template <class T>
void batches() {
  for (std::int64_t count : {2, 3, 7, 70}) {
    check_case<T>({3, 4, 5, Layout::rows, Layout::padded_rows, 0, false, true, count});
    check_case<T>({32, 32, 32, Layout::rows, Layout::rows, 0, true, false, count});
    check_case<T>({20, 1, 30, Layout::rows, Layout::rows, 0, true, true, count});
    check_case<T>({9, 17, 12, Layout::rows, Layout::columns, 2, false, true, count, true, false});
    check_case<T>({9, 17, 12, Layout::columns, Layout::strided, 2, false, true, count, false, true});
  }
  check_case<T>({100, 130, 140, Layout::rows, Layout::rows, 0, false, false, 2});
}

template <class T>
void special_values() {
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  const T specials[] = {infinity, -infinity, nan, T(0), -T(0), std::numeric_limits<T>::denorm_min(), std::numeric_limits<T>::max()};
  for (int round = 0; round < 40; ++round) {
    Trial<T> trial({pick(1, 30), pick(1, 60), pick(1, 20), Layout::rows, Layout::rows, 0, round % 2 == 0, round % 3 == 0});
    for (int i = 0; i < 3; ++i) {
      trial.a.memory[static_cast<std::size_t>(pick(0, std::ssize(trial.a.memory) - 1))] = specials[pick(0, 6)];
      trial.b.memory[static_cast<std::size_t>(pick(0, std::ssize(trial.b.memory) - 1))] = specials[pick(0, 6)];
    }
    trial.expected = trial.before;
    reference(trial.problem(trial.expected));
    for (const std::string& isa : available_isas()) {
      set_isa(isa);
      trial.check();
    }
  }
}

// Rows of zeros of either sign: a chain starts from +0, so that -0 comes out only where it was in C.
template <class T>
void negative_zeros() {
  Trial<T> trial({5, 20, 4, Layout::rows, Layout::rows, 0, true, false});
  for (T& x : trial.a.memory) x = -T(0);
  for (T& x : trial.b.memory) x = 1;
  for (T& x : trial.before) x = -T(0);
  trial.expected = trial.before;
  reference(trial.problem(trial.expected));
  CHECK(!std::signbit(trial.expected[0]));
  for (const std::string& isa : available_isas()) {
    set_isa(isa);
    trial.check();
  }
}

void caller_with_another_rounding() {
  const Trial<float> trial({33, 65, 300});
  std::fesetround(FE_DOWNWARD);
  for (int threads : {1, 4}) {
    set_num_threads(threads);
    trial.check();
  }
  std::fesetround(FE_TONEAREST);
}

void isas_are_chosen_by_name() {
  CHECK(compiled_isas().front() == "baseline");
  for (const std::string& isa : available_isas()) {
    set_isa(isa);
    CHECK(active_isa() == isa);
  }
  CHECK_THROWS(set_isa("mmx"), ValueError, "there is no 'mmx' in this build");
  CHECK_THROWS(set_isa("mmx"), ValueError, "available are baseline");
  CHECK(active_isa() == available_isas().back());
}

template <class T>
void all_checks() {
  edge_shapes<T>();
  every_microkernel<T>();
  layouts<T>();
  large_shapes<T>();
  batches<T>();
  special_values<T>();
  negative_zeros<T>();
}

}  // namespace

int main() {
  isas_are_chosen_by_name();
  all_checks<float>();
  all_checks<double>();
  caller_with_another_rounding();
  return test_status("matmul");
}
