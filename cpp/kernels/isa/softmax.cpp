// Softmax and its kin, row by row: the row's maximum is subtracted, and sums follow the rule of the rows.
#include "kernels/isa/row_reduction.h"
#include "kernels/isa/tables.h"
#include "simd/math.h"

namespace gradgate::GRADGATE_ISA {
namespace {

template <class T>
inline T row_max(std::int64_t n, const T* x) {
  return reduce_row<Max, T>(n, [x](std::int64_t i, int count) { return load_lanes(x + i, count); });
}

// Writes the row's softmax and returns the sum of the exponentials.
template <class T>
inline Vec<T> softmax_row(std::int64_t n, const T* x, T max, T* y) {
  const Vec<T> m(max);
  const Vec<T> sum(reduce_row<Sum, T>(n, [&](std::int64_t i, int count) {
    const Vec<T> e = exp(load_lanes(x + i, count) - m);
    store_lanes(e, y + i, count);
    return e;
  }));
  map_row(n, y, [&](std::int64_t i, int count) { return load_lanes(y + i, count) / sum; });
  return sum;
}

template <class T>
void softmax(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  for (; rows > 0; --rows, x += n, y += n) softmax_row(n, x, row_max(n, x), y);
}

template <class T>
void softmax_parts(std::int64_t rows, std::int64_t n, const T* x, T* p, T* max, T* log_sum) {
  for (; rows > 0; --rows, x += n, p += n, ++max, ++log_sum) {
    *max = row_max(n, x);
    *log_sum = log(softmax_row(n, x, *max, p)).r[0];
  }
}

template <class T>
void scale_rows(std::int64_t rows, std::int64_t n, const T* x, const T* scale, T* y) {
  for (; rows > 0; --rows, x += n, ++scale, y += n)
    map_row(n, y, [&](std::int64_t i, int count) { return load_lanes(x + i, count) * Vec<T>(*scale); });
}

template <class T>
inline T sum_of_exponentials(std::int64_t n, const T* x, T max) {
  const Vec<T> m(max);
  return reduce_row<Sum, T>(n, [&](std::int64_t i, int count) { return exp(load_lanes(x + i, count) - m); });
}

template <class T>
void log_softmax(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  for (; rows > 0; --rows, x += n, y += n) {
    const T max = row_max(n, x);
    const Vec<T> m(max), log_sum = log(Vec<T>(sum_of_exponentials(n, x, max)));
    map_row(n, y, [&](std::int64_t i, int count) { return (load_lanes(x + i, count) - m) - log_sum; });
  }
}

template <class T>
void logsumexp(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  for (; rows > 0; --rows, x += n, ++y) {
    const T max = row_max(n, x);
    // An infinite maximum must not meet itself in a difference.
    const T shift = max - max == 0 ? max : T(0);
    const T sum = sum_of_exponentials(n, x, shift);
    *y = log(Vec<T>(sum)).r[0] + shift;
  }
}

template <class T>
void softmax_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* y, T* dx) {
  for (; rows > 0; --rows, dy += n, y += n, dx += n) {
    const Vec<T> sum(
        reduce_row<Sum, T>(n, [&](std::int64_t i, int count) { return load_lanes(dy + i, count) * load_lanes(y + i, count); }));
    map_row(n, dx, [&](std::int64_t i, int count) { return load_lanes(y + i, count) * (load_lanes(dy + i, count) - sum); });
  }
}

template <class T>
void log_softmax_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* y, T* dx) {
  for (; rows > 0; --rows, dy += n, y += n, dx += n) {
    const Vec<T> sum(reduce_row<Sum, T>(n, [&](std::int64_t i, int count) { return load_lanes(dy + i, count); }));
    map_row(n, dx, [&](std::int64_t i, int count) { return load_lanes(dy + i, count) - exp(load_lanes(y + i, count)) * sum; });
  }
}

template <class T>
void fill(SoftmaxTable<T>& table) {
  table.softmax = softmax<T>;
  table.softmax_backward = softmax_backward<T>;
  table.log_softmax = log_softmax<T>;
  table.log_softmax_backward = log_softmax_backward<T>;
  table.logsumexp = logsumexp<T>;
  table.parts = softmax_parts<T>;
  table.scale_rows = scale_rows<T>;
}

}  // namespace

void fill_softmax(SoftmaxTable<float>& f32, SoftmaxTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
