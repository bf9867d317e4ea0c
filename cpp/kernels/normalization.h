// Layer normalisation of whole arrays, rows and columns shared among threads. The arguments are those of NormalizationTable.
#pragma once

#include <cstdint>

namespace gradgate {

template <class T>
void layer_norm_rows(std::int64_t rows, std::int64_t n, const T* x, const T* weight, const T* bias, T eps, T* y, T* mean, T* rstd);
template <class T>
void layer_norm_rows_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* x, const T* mean, const T* rstd, const T* weight,
                              T* dx);
template <class T>
void layer_norm_rows_weight(std::int64_t rows, std::int64_t n, const T* dy, const T* x, const T* mean, const T* rstd, T* dweight);

}  // namespace gradgate
