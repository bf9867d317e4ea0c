// Softmax and its kin, row by row: the row's maximum is subtracted, and sums follow the rule of the rows.
#include "kernels/isa/row_group.h"
#include "kernels/isa/tables.h"
#include "simd/math.h"

namespace gradgate::GRADGATE_ISA {
namespace {

// Values of the rows of a group, in a whole register.
template <class T>
struct alignas(Vec<T>) RowValues {
  T of[Vec<T>::lanes];
};

// A row with NaN comes out as NaN from its sum.
template <class T>
inline RowValues<T> row_maxima(int count, std::int64_t n, const T* x) {
  RowValues<T> max;
  reduce_row_group<MaxOfNumbers>(count, n, max.of, [=](int row) { return elements_at(x + row * n); });
  return max;
}

// The sums of exp(x - shift), whose terms are written to `kept`, unless that is null, with `stride` from row to row; as whole
// registers if asked for.
template <bool whole = false, class T>
inline RowValues<T> sums_of_exponentials(int count, std::int64_t n, const T* x, const RowValues<T>& shift, T* kept = nullptr,
                                         std::int64_t stride = 0) {
  RowValues<T> sum;
  reduce_row_group<Sum>(count, n, sum.of, [=, &shift](int row) {
    return [from = x + row * n, to = kept + row * stride, keeps = kept != nullptr, m = Vec<T>(shift.of[row])](
               std::int64_t i, int lanes) __attribute__((always_inline)) {
      const Vec<T> e = exp(load_lanes(from + i, lanes) - m);
      if (keeps) store_lanes(e, to + i, whole ? Vec<T>::lanes : lanes);
      return e;
    };
  });
  return sum;
}

template <class T>
inline RowValues<T> logarithms(int count, const RowValues<T>& x) {
  RowValues<T> y;
  store_lanes(log(first_lanes(count, load_lanes(x.of, count), Vec<T>(1))), y.of, count);  // 1 takes the common path
  return y;
}

// Writes the rows' softmax and returns the sums of their exponentials.
template <class T>
inline RowValues<T> softmax_group(int count, std::int64_t n, const T* x, const RowValues<T>& max, T* y) {
  using V = Vec<T>;
  if (n > kVirtualLanes) {
    const RowValues<T> sum = sums_of_exponentials(count, n, x, max, y, n);
    for (int row = 0; row < count; ++row, y += n)
      map_row(n, y, [=, s = V(sum.of[row])](std::int64_t i, int lanes) { return load_lanes(y + i, lanes) / s; });
    return sum;
  }
  // Short rows wait in whole registers: a masked store would keep the load that soon follows it waiting.
  T kept[V::lanes * kVirtualLanes];
  const RowValues<T> sum = sums_of_exponentials<true>(count, n, x, max, kept, kVirtualLanes);
  for (int row = 0; row < count; ++row, y += n)
    map_row(n, y, [from = kept + row * kVirtualLanes, s = V(sum.of[row])](std::int64_t i, int) { return V::load(from + i) / s; });
  return sum;
}

template <class T>
void softmax(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const T* const group = x + first * n;
    softmax_group(count, n, group, row_maxima(count, n, group), y + first * n);
  });
}

template <class T>
void softmax_parts(std::int64_t rows, std::int64_t n, const T* x, T* p, T* max, T* log_sum) {
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const T* const group = x + first * n;
    const RowValues<T> largest = row_maxima(count, n, group);
    const RowValues<T> logs = logarithms(count, softmax_group(count, n, group, largest, p + first * n));
    for (int row = 0; row < count; ++row) {
      max[first + row] = largest.of[row];
      log_sum[first + row] = logs.of[row];
    }
  });
}

template <class T>
void scale_rows(std::int64_t rows, std::int64_t n, const T* x, const T* scale, T* y) {
  for (; rows > 0; --rows, x += n, ++scale, y += n)
    map_row(n, y, [&](std::int64_t i, int lanes) { return load_lanes(x + i, lanes) * Vec<T>(*scale); });
}

template <class T>
void log_softmax(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const T* from = x + first * n;
    T* to = y + first * n;
    const RowValues<T> max = row_maxima(count, n, from);
    const RowValues<T> log_sum = logarithms(count, sums_of_exponentials(count, n, from, max));
    for (int row = 0; row < count; ++row, from += n, to += n)
      map_row(n, to, [=, m = Vec<T>(max.of[row]), s = Vec<T>(log_sum.of[row])](std::int64_t i, int lanes) {
        return (load_lanes(from + i, lanes) - m) - s;
      });
  });
}

template <class T>
void logsumexp(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const T* const group = x + first * n;
    RowValues<T> shift = row_maxima(count, n, group);
    // An infinite maximum must not meet itself in a difference.
    for (int row = 0; row < count; ++row) shift.of[row] = shift.of[row] - shift.of[row] == 0 ? shift.of[row] : T(0);
    const RowValues<T> logs = logarithms(count, sums_of_exponentials(count, n, group, shift));
    for (int row = 0; row < count; ++row) y[first + row] = logs.of[row] + shift.of[row];
  });
}

template <class T>
void softmax_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* y, T* dx) {
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const T *d = dy + first * n, *from = y + first * n;
    T* to = dx + first * n;
    RowValues<T> sum;
    reduce_row_group<Sum>(count, n, sum.of, [=](int row) {
      return [d = d + row * n, from = from + row * n](std::int64_t i, int lanes) {
        return load_lanes(d + i, lanes) * load_lanes(from + i, lanes);
      };
    });
    for (int row = 0; row < count; ++row, d += n, from += n, to += n)
      map_row(n, to, [=, s = Vec<T>(sum.of[row])](std::int64_t i, int lanes) {
        return load_lanes(from + i, lanes) * (load_lanes(d + i, lanes) - s);
      });
  });
}

template <class T>
void log_softmax_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* y, T* dx) {
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const T *d = dy + first * n, *from = y + first * n;
    T* to = dx + first * n;
    RowValues<T> sum;
    reduce_row_group<Sum>(count, n, sum.of, [=](int row) { return elements_at(d + row * n); });
    for (int row = 0; row < count; ++row, d += n, from += n, to += n)
      map_row(n, to, [=, s = Vec<T>(sum.of[row])](std::int64_t i, int lanes) {
        return load_lanes(d + i, lanes) - exp(load_lanes(from + i, lanes)) * s;
      });
  });
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
