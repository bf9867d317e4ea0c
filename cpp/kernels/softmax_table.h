// The softmax kernels of one instruction set: each works on `rows` contiguous rows of `n` elements.
#pragma once

#include <cstdint>

namespace gradgate {

template <class T>
struct SoftmaxTable {
  using Forward = void (*)(std::int64_t rows, std::int64_t n, const T* x, T* y);
  using Backward = void (*)(std::int64_t rows, std::int64_t n, const T* dy, const T* y, T* dx);
  // y[i] = log(sum over j of exp(x[i][j]))
  using LogSumExp = void (*)(std::int64_t rows, std::int64_t n, const T* x, T* y);
  // Softmax p, with each row's maximum and log(sum(exp(x - maximum))).
  using Parts = void (*)(std::int64_t rows, std::int64_t n, const T* x, T* p, T* max, T* log_sum);
  // y[i][j] = x[i][j] * scale[i]
  using ScaleRows = void (*)(std::int64_t rows, std::int64_t n, const T* x, const T* scale, T* y);

  Forward softmax;
  Backward softmax_backward;  // dx = y * (dy - sum(dy * y))
  Forward log_softmax;
  Backward log_softmax_backward;  // dx = dy - exp(y) * sum(dy)
  LogSumExp logsumexp;
  Parts parts;
  ScaleRows scale_rows;
};

}  // namespace gradgate
