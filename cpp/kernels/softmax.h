// Softmax and its kin over the rows of an array, shared among threads by rows.
#pragma once

#include <cstdint>

#include "kernels/softmax_table.h"

namespace gradgate {

// `kernel` is a member of SoftmaxTable; the arrays are contiguous, `rows` rows of `n` elements.
template <class T>
void softmax_forward(typename SoftmaxTable<T>::Forward SoftmaxTable<T>::*kernel, std::int64_t rows, std::int64_t n, const T* x, T* y);
template <class T>
void softmax_backward(typename SoftmaxTable<T>::Backward SoftmaxTable<T>::*kernel, std::int64_t rows, std::int64_t n, const T* dy,
                      const T* y, T* dx);
// y has one element a row.
template <class T>
void logsumexp_rows(std::int64_t rows, std::int64_t n, const T* x, T* y);

}  // namespace gradgate
