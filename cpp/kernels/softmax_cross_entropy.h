// The cross-entropy of softmax and class indices, and its gradient, over rows shared among threads.
#pragma once

#include <cstdint>

namespace gradgate {

// The class of a row that does not count: its loss and its gradient are 0.
inline constexpr std::int64_t kIgnoredRow = -1;

// For each of `rows` rows of n scores x and its class target[i], kIgnoredRow or in 0 ... n - 1: the softmax p and
// loss[i] = -weight[target[i]] * log(p[i][target[i]]). The weights may be null, which is 1 for every class.
template <class T>
void cross_entropy_forward(std::int64_t rows, std::int64_t n, const T* x, const std::int64_t* target, const T* weight, T* p, T* loss);

// dx[i] = (p[i] - onehot(target[i])) * scale[i]
template <class T>
void cross_entropy_backward(std::int64_t rows, std::int64_t n, const T* p, const std::int64_t* target, const T* scale, T* dx);

}  // namespace gradgate
