// Every entry to the kernels gives the bits of the default float environment, whatever the calling thread's is.
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/float_environment.h"
#include "base/thread_pool.h"
#include "check.h"
#include "gates/lists.h"
#include "gates/optimizer.h"
#include "kernels/dispatch.h"
#include "kernels/gather.h"
#include "kernels/matmul.h"
#include "kernels/normalization.h"
#include "kernels/optimizer.h"
#include "kernels/random.h"
#include "kernels/reduce.h"
#include "kernels/reduce_exact.h"
#include "kernels/softmax.h"
#include "kernels/softmax_cross_entropy.h"
#include "kernels/sort.h"
#include "kernels/strided.h"

namespace gradgate {
namespace {

// While it lives, the thread flushes subnormal numbers to zero, takes them as zero and rounds upwards, as other libraries may leave it.
class AlteredEnvironment {
 public:
#if defined(__x86_64__)
  AlteredEnvironment() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0xC040); }
  ~AlteredEnvironment() { _mm_setcsr(saved_); }
  static constexpr bool kPossible = true;

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  AlteredEnvironment() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
    __asm__ volatile("msr fpcr, %0" : : "r"(saved_ | 0x1400000) : "memory");
  }
  ~AlteredEnvironment() { __asm__ volatile("msr fpcr, %0" : : "r"(saved_) : "memory"); }
  static constexpr bool kPossible = true;

 private:
  std::uint64_t saved_;
#else
  static constexpr bool kPossible = false;
#endif
};

template <class T>
using Array = std::vector<T>;

// Numbers of both signs, some of them subnormal, all of them times `scale`.
template <class T>
Array<T> numbers(std::size_t n, T scale) {
  Array<T> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = (static_cast<T>(i * 37 % 101) - 50) / 8 * scale;
  return x;
}

template <class T>
void hold(const std::string& entry, const std::function<void(Array<T>&)>& run) {
  Array<T> expected, found;
  run(expected);
  {
    const AlteredEnvironment altered;
    run(found);
  }
  const bool same = found.size() == expected.size() && std::memcmp(found.data(), expected.data(), found.size() * sizeof(T)) == 0;
  CHECK_MESSAGE(same, entry + " depends on the caller's float environment" + (sizeof(T) == 4 ? " (float)" : " (double)"));
}

constexpr std::int64_t kRows = 6, kColumns = 40, kCount = kRows * kColumns;

template <class T>
void hold_elementwise_and_products() {
  const T small = std::numeric_limits<T>::min();
  const Array<T> x = numbers<T>(kCount, small), y = numbers<T>(kCount, T(0.3));
  const Dims shape{kColumns, kRows}, strides{1, kColumns};
  hold<T>("elementwise", [&](Array<T>& out) {
    out.resize(kCount);
    const auto kernel = kernels().of<T>().elementwise.binary[BinaryGates::index<Mul>()];
    elementwise<T, T, T>(
        shape, [&](std::int64_t n, T* o, const T* a, const T* b) { kernel(n, a, b, o); }, {out.data(), strides}, {x.data(), {kRows, 1}},
        {y.data(), strides});
  });
  hold<T>("matmul", [&](Array<T>& out) {
    out.resize(kRows * kRows);
    matmul(MatmulProblem<T>{kRows, kRows, kColumns, x.data(), kColumns, 1, y.data(), 1, kColumns, out.data(), kRows});
  });
  const Array<std::int64_t> offsets(kRows, 0);
  hold<T>("scatter_add_blocks", [&, sums = Array<T>(kColumns, small / 3)](Array<T>& out) {
    out = sums;
    scatter_add_blocks(Blocks{offsets.data(), kRows, {}, {}, {kColumns}, {1}}, out.data(), x.data());
  });
}

template <class T>
void hold_reductions() {
  const T small = std::numeric_limits<T>::min();
  const Array<T> x = numbers<T>(kCount, small / 8), center = numbers<T>(kColumns, small);
  hold<T>("reduce_rows", [&](Array<T>& out) {
    out.resize(kRows);
    reduce_rows(Reduction::sum, kRows, kColumns, x.data(), out.data());
  });
  hold<T>("reduce_columns", [&](Array<T>& out) {
    out.resize(kColumns);
    reduce_columns(Reduction::sum, 1, kRows, kColumns, x.data(), out.data());
  });
  hold<T>("sum_squared_deviations", [&, wide = numbers<T>(kCount, std::sqrt(small))](Array<T>& out) {
    out.resize(kColumns);
    sum_squared_deviations(1, kRows, kColumns, wide.data(), center.data(), out.data());
  });
  const Array<T> zero_then_small{0, small / 2, 1, 0, small / 4, 1}, wanted{small / 2, small / 4};
  hold<std::int64_t>("first_of_rows", [&](Array<std::int64_t>& out) {
    out.resize(2);
    first_of_rows(2, 3, zero_then_small.data(), wanted.data(), out.data());
  });
  hold<std::int64_t>("first_indices", [&](Array<std::int64_t>& out) {
    out.resize(2);
    first_indices(2, 3, 1, zero_then_small.data(), wanted.data(), out.data());
  });
  hold<T>("sort_rows", [&](Array<T>& out) {
    Array<std::int64_t> order(kCount);
    out.resize(kCount);
    sort_rows(kRows, kColumns, kColumns, Ascending<T>(), x.data(), out.data(), order.data());
  });
}

template <class T>
void hold_rows() {
  const T small = std::numeric_limits<T>::min();
  const Array<T> x = numbers<T>(kCount, T(10)), y = numbers<T>(kCount, small);
  Array<T> mean(kRows), rstd(kRows, T(0.7));
  const Array<std::int64_t> target{1, 2, 3, 4, 5, 6};
  hold<T>("softmax", [&](Array<T>& out) {
    out.resize(kCount);
    softmax_forward(&SoftmaxTable<T>::softmax, kRows, kColumns, x.data(), out.data());
  });
  hold<T>("softmax_backward", [&](Array<T>& out) {
    out.resize(kCount);
    softmax_backward(&SoftmaxTable<T>::softmax_backward, kRows, kColumns, x.data(), y.data(), out.data());
  });
  hold<T>("logsumexp", [&](Array<T>& out) {
    out.resize(kRows);
    logsumexp_rows(kRows, kColumns, x.data(), out.data());
  });
  hold<T>("cross_entropy", [&](Array<T>& out) {
    Array<T> loss(kRows);
    out.resize(kCount);
    cross_entropy_forward(kRows, kColumns, x.data(), target.data(), static_cast<const T*>(nullptr), out.data(), loss.data());
    out.insert(out.end(), loss.begin(), loss.end());
  });
  hold<T>("cross_entropy_backward", [&](Array<T>& out) {
    out.resize(kCount);
    cross_entropy_backward(kRows, kColumns, y.data(), target.data(), rstd.data(), out.data());
  });
  hold<T>("layer_norm", [&](Array<T>& out) {
    out.resize(kCount);
    Array<T> m(kRows), r(kRows);
    const T* const none = nullptr;
    layer_norm_rows(kRows, kColumns, x.data(), none, none, T(1e-5), out.data(), m.data(), r.data());
  });
  hold<T>("layer_norm_backward", [&](Array<T>& out) {
    out.resize(kCount);
    const T* const none = nullptr;
    layer_norm_rows_backward(kRows, kColumns, y.data(), x.data(), mean.data(), rstd.data(), none, out.data());
  });
  hold<T>("layer_norm_weight", [&](Array<T>& out) {
    out.resize(kColumns);
    layer_norm_rows_weight(kRows, kColumns, y.data(), x.data(), mean.data(), rstd.data(), out.data());
  });
}

template <class T>
void hold_draws() {
  const double small = std::numeric_limits<T>::min();
  hold<T>("draw_uniform", [low = small / 16, high = small / 3](Array<T>& out) {
    out.resize(kCount);
    draw_uniform({1, 3}, kCount, out.data(), low, high);
  });
  hold<T>("draw_normal", [mean = small / 3, deviation = small / 5](Array<T>& out) {
    out.resize(kCount);
    draw_normal({1, 3}, kCount, out.data(), mean, deviation);
  });
  hold<T>("draw_exponential", [lambda = 1 / (3 * small)](Array<T>& out) {
    out.resize(kCount);
    draw_exponential({1, 3}, kCount, out.data(), lambda);
  });
}

template <class Rule, class T>
void hold_optimizer(const Rule& rule) {
  const T small = std::numeric_limits<T>::min();
  const Array<T> gradient = numbers<T>(kCount, std::sqrt(small)), before(kCount, small / 2);
  hold<T>(Rule::name, [&](Array<T>& out) {
    Array<T> p(kCount, small), state[Rule::states];
    ParameterUpdate<Rule, T> update{kCount, p.data(), gradient.data(), {}, 3};
    for (int s = 0; s < Rule::states; ++s) {
      state[s] = before;
      update.state[s] = state[s].data();
    }
    update_parameters(rule, std::vector{update});
    out = p;
    for (const auto& s : state) out.insert(out.end(), s.begin(), s.end());
  });
}

template <class T>
void hold_all() {
  hold_elementwise_and_products<T>();
  hold_reductions<T>();
  hold_rows<T>();
  hold_draws<T>();
  const double rate = std::numeric_limits<T>::min();
  hold_optimizer<Sgd, T>({rate, 0.9, 0.1, 0.01, true, false});
  hold_optimizer<Adam, T>({rate, 0.9, 0.999, 1e-30, 0.01, false, true, false});
  hold_optimizer<Adagrad, T>({rate, 0.1, 1e-30, 0.01, false});
  hold_optimizer<RMSprop, T>({rate, 0.99, 1e-30, 0.01, 0.9, true, false});
}

}  // namespace
}  // namespace gradgate

int main() {
  using namespace gradgate;
  if constexpr (AlteredEnvironment::kPossible)
    for (const std::string& isa : available_isas())
      for (int threads : {1, 2}) {
        set_isa(isa);
        set_num_threads(threads);
        hold_all<float>();
        hold_all<double>();
      }
  return test_status("float_environment");
}
