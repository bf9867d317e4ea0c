// Cuts layer normalisation among threads.
#include "kernels/normalization.h"

#include "kernels/reduce_columns.h"
#include "kernels/row_pieces.h"

namespace gradgate {

template <class T>
void layer_norm_rows(std::int64_t rows, std::int64_t n, const T* x, const T* weight, const T* bias, T eps, T* y, T* mean, T* rstd) {
  const auto kernel = kernels().of<T>().normalization.layer_norm;
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) {
    kernel(count, n, x + first * n, weight, bias, eps, y + first * n, mean + first, rstd + first);
  });
}

template <class T>
void layer_norm_rows_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* x, const T* mean, const T* rstd, const T* weight,
                              T* dx) {
  const auto kernel = kernels().of<T>().normalization.layer_norm_backward;
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) {
    kernel(count, n, dy + first * n, x + first * n, mean + first, rstd + first, weight, dx + first * n);
  });
}

template <class T>
void layer_norm_rows_weight(std::int64_t rows, std::int64_t n, const T* dy, const T* x, const T* mean, const T* rstd, T* dweight) {
  if (rows == 0) {
    std::fill(dweight, dweight + n, T(0));
    return;
  }
  const auto kernel = kernels().of<T>().normalization.layer_norm_weight;
  reduce_columns_with(Reduction::sum, 1, rows, n, dweight,
                      [=](std::int64_t, std::int64_t row, std::int64_t count, std::int64_t column, std::int64_t width, T* part) {
                        const std::int64_t at = row * n + column;
                        kernel(count, width, dy + at, x + at, n, mean + row, rstd + row, part);
                      });
}

template void layer_norm_rows<float>(std::int64_t, std::int64_t, const float*, const float*, const float*, float, float*, float*, float*);
template void layer_norm_rows<double>(std::int64_t, std::int64_t, const double*, const double*, const double*, double, double*, double*,
                                      double*);
template void layer_norm_rows_backward<float>(std::int64_t, std::int64_t, const float*, const float*, const float*, const float*,
                                              const float*, float*);
template void layer_norm_rows_backward<double>(std::int64_t, std::int64_t, const double*, const double*, const double*, const double*,
                                               const double*, double*);
template void layer_norm_rows_weight<float>(std::int64_t, std::int64_t, const float*, const float*, const float*, const float*, float*);
template void layer_norm_rows_weight<double>(std::int64_t, std::int64_t, const double*, const double*, const double*, const double*,
                                             double*);

}  // namespace gradgate
