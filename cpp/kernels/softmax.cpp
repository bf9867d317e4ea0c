// Cuts the rows of softmax and its kin among threads.
#include "kernels/softmax.h"

#include <algorithm>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace gradgate {
namespace {

// Elements below which threads cost more than they bring: an element takes about a nanosecond.
constexpr std::int64_t kGrain = 16'384;

// Calls f(first, count) on pieces that cover the rows.
template <class F>
void each_piece(std::int64_t rows, std::int64_t n, const F& f) {
  if (rows == 0) return;
  FloatEnvironment environment;
  LongWork work(rows * n);
  parallel_for(rows, std::max<std::int64_t>(kGrain / std::max<std::int64_t>(n, 1), 1), [&](std::int64_t begin, std::int64_t end) { f(begin, end - begin); });
}

}  // namespace

template <class T>
void softmax_forward(typename SoftmaxTable<T>::Forward SoftmaxTable<T>::*kernel, std::int64_t rows, std::int64_t n, const T* x, T* y) {
  const auto f = kernels().of<T>().softmax.*kernel;
  each_piece(rows, n, [&](std::int64_t first, std::int64_t count) { f(count, n, x + first * n, y + first * n); });
}

template <class T>
void softmax_backward(typename SoftmaxTable<T>::Backward SoftmaxTable<T>::*kernel, std::int64_t rows, std::int64_t n, const T* dy,
                      const T* y, T* dx) {
  const auto f = kernels().of<T>().softmax.*kernel;
  each_piece(rows, n, [&](std::int64_t first, std::int64_t count) { f(count, n, dy + first * n, y + first * n, dx + first * n); });
}

template <class T>
void logsumexp_rows(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  const auto f = kernels().of<T>().softmax.logsumexp;
  each_piece(rows, n, [&](std::int64_t first, std::int64_t count) { f(count, n, x + first * n, y + first); });
}

template void softmax_forward<float>(SoftmaxTable<float>::Forward SoftmaxTable<float>::*, std::int64_t, std::int64_t, const float*, float*);
template void softmax_forward<double>(SoftmaxTable<double>::Forward SoftmaxTable<double>::*, std::int64_t, std::int64_t, const double*,
                                      double*);
template void softmax_backward<float>(SoftmaxTable<float>::Backward SoftmaxTable<float>::*, std::int64_t, std::int64_t, const float*,
                                      const float*, float*);
template void softmax_backward<double>(SoftmaxTable<double>::Backward SoftmaxTable<double>::*, std::int64_t, std::int64_t, const double*,
                                       const double*, double*);
template void logsumexp_rows<float>(std::int64_t, std::int64_t, const float*, float*);
template void logsumexp_rows<double>(std::int64_t, std::int64_t, const double*, double*);

}  // namespace gradgate
