// The kernels of layer and batch normalisation of one instruction set, on contiguous arrays.
#pragma once

#include <cstdint>

namespace gradgate {

template <class T>
struct NormalizationTable {
  // Of each of `rows` rows of n elements: y = (x - mean) * rstd * weight + bias, where rstd = 1 / sqrt(var + eps), var being the mean of
  // the squared deviations. weight and bias have n elements or are null.
  using Rows = void (*)(std::int64_t rows, std::int64_t n, const T* x, const T* weight, const T* bias, T eps, T* y, T* mean, T* rstd);
  // dx = rstd * (g - mean of g - z * mean of g z), with g = dy * weight and z = (x - mean) * rstd.
  using RowsBackward = void (*)(std::int64_t rows, std::int64_t n, const T* dy, const T* x, const T* mean, const T* rstd,
                                const T* weight, T* dx);
  // dweight[j] = the sum over the rows of dy * (x - mean) * rstd, by the rule of the columns; `stride` separates rows.
  using RowsWeight = void (*)(std::int64_t rows, std::int64_t columns, const T* dy, const T* x, std::int64_t stride, const T* mean,
                              const T* rstd, T* dweight);

  Rows layer_norm;
  RowsBackward layer_norm_backward;
  RowsWeight layer_norm_weight;
};

}  // namespace gradgate
