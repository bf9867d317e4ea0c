// Runs the softmax kernels for the cross-entropy, and does what depends on the class around them.
#include "kernels/softmax_cross_entropy.h"

#include <algorithm>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/row_pieces.h"

namespace gradgate {

template <class T>
void cross_entropy_forward(std::int64_t rows, std::int64_t n, const T* x, const std::int64_t* target, const T* weight, T* p, T* loss) {
  const auto kernel = kernels().of<T>().softmax.parts;
  std::vector<T> max(static_cast<std::size_t>(rows)), log_sum(static_cast<std::size_t>(rows));
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) {
    kernel(count, n, x + first * n, p + first * n, max.data() + first, log_sum.data() + first);
    for (std::int64_t i = first; i < first + count; ++i) {
      const std::int64_t t = target[i];
      const auto row = static_cast<std::size_t>(i);
      // The maximum is subtracted before the logarithm is added: the sum of the two would round away small losses of large scores.
      loss[i] = t == kIgnoredRow ? T(0) : (weight ? weight[t] : T(1)) * (log_sum[row] - (x[i * n + t] - max[row]));
    }
  });
}

template <class T>
void cross_entropy_backward(std::int64_t rows, std::int64_t n, const T* p, const std::int64_t* target, const T* scale, T* dx) {
  const auto kernel = kernels().of<T>().softmax.scale_rows;
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) {
    kernel(count, n, p + first * n, scale + first, dx + first * n);
    for (std::int64_t i = first; i < first + count; ++i) {
      T* const row = dx + i * n;
      if (target[i] == kIgnoredRow)
        std::fill(row, row + n, T(0));
      else
        row[target[i]] -= scale[i];
    }
  });
}

template void cross_entropy_forward<float>(std::int64_t, std::int64_t, const float*, const std::int64_t*, const float*, float*, float*);
template void cross_entropy_forward<double>(std::int64_t, std::int64_t, const double*, const std::int64_t*, const double*, double*,
                                            double*);
template void cross_entropy_backward<float>(std::int64_t, std::int64_t, const float*, const std::int64_t*, const float*, float*);
template void cross_entropy_backward<double>(std::int64_t, std::int64_t, const double*, const std::int64_t*, const double*, double*);

}  // namespace gradgate
