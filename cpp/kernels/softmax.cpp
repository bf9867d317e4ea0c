// Cuts the rows of softmax and its kin among threads.
#include "kernels/softmax.h"

#include "kernels/dispatch.h"
#include "kernels/row_pieces.h"

namespace gradgate {
template <class T>
void softmax_forward(typename SoftmaxTable<T>::Forward SoftmaxTable<T>::*kernel, std::int64_t rows, std::int64_t n, const T* x, T* y) {
  const auto f = kernels().of<T>().softmax.*kernel;
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) { f(count, n, x + first * n, y + first * n); });
}

template <class T>
void softmax_backward(typename SoftmaxTable<T>::Backward SoftmaxTable<T>::*kernel, std::int64_t rows, std::int64_t n, const T* dy,
                      const T* y, T* dx) {
  const auto f = kernels().of<T>().softmax.*kernel;
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) { f(count, n, dy + first * n, y + first * n, dx + first * n); });
}

template <class T>
void logsumexp_rows(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  const auto f = kernels().of<T>().softmax.logsumexp;
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) { f(count, n, x + first * n, y + first); });
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
