// Layer normalisation, row by row; the sums follow the rule of the rows, those for the weight the rule of the columns.
#include "kernels/isa/column_reduction.h"
#include "kernels/isa/row_group.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

// The means of the rows of a group, in the first `count` lanes.
template <class T, class Terms>
inline Vec<T> means_of(int count, std::int64_t n, const Terms& terms) {
  alignas(Vec<T>) T sum[Vec<T>::lanes];
  reduce_row_group<Sum>(count, n, sum, terms);
  return load_lanes(sum, count) / Vec<T>(static_cast<T>(n));
}

template <class T>
void layer_norm(std::int64_t rows, std::int64_t n, const T* x, const T* weight, const T* bias, T eps, T* y, T* mean, T* rstd) {
  using V = Vec<T>;
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const T* from = x + first * n;
    T *to = y + first * n, *const centers = mean + first, *const scales = rstd + first;
    store_lanes(means_of<T>(count, n, [=](int row) { return elements_at(from + row * n); }), centers, count);
    const V variance = means_of<T>(count, n, [=](int row) {
      return [from = from + row * n, center = V(centers[row])](std::int64_t i, int lanes) {
        const V d = load_lanes(from + i, lanes) - center;
        return d * d;
      };
    });
    store_lanes(V(1) / sqrt(variance + V(eps)), scales, count);
    for (int row = 0; row < count; ++row, from += n, to += n)
      map_row(n, to, [=, center = V(centers[row]), scale = V(scales[row])](std::int64_t i, int lanes) {
        V z = (load_lanes(from + i, lanes) - center) * scale;
        if (weight) z = z * load_lanes(weight + i, lanes);
        if (bias) z = z + load_lanes(bias + i, lanes);
        return z;
      });
  });
}

template <class T>
void layer_norm_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* x, const T* mean, const T* rstd, const T* weight, T* dx) {
  using V = Vec<T>;
  each_row_group<T>(rows, n, [=](std::int64_t first, int count) {
    const auto upstream_of = [=](int row) {
      return [d = dy + (first + row) * n, weight](std::int64_t i, int lanes) {
        const V v = load_lanes(d + i, lanes);
        return weight ? v * load_lanes(weight + i, lanes) : v;
      };
    };
    const auto normal_of = [=](int row) {
      return [from = x + (first + row) * n, center = V(mean[first + row]), scale = V(rstd[first + row])](std::int64_t i, int lanes) {
        return (load_lanes(from + i, lanes) - center) * scale;
      };
    };
    alignas(V) T along_mean[V::lanes], along_scale[V::lanes];
    store_lanes(means_of<T>(count, n, upstream_of), along_mean, count);
    store_lanes(means_of<T>(count, n,
                            [=](int row) {
                              return [upstream = upstream_of(row), normal = normal_of(row)](std::int64_t i, int lanes) {
                                return upstream(i, lanes) * normal(i, lanes);
                              };
                            }),
                along_scale, count);
    for (int row = 0; row < count; ++row)
      map_row(n, dx + (first + row) * n,
              [upstream = upstream_of(row), normal = normal_of(row), scale = V(rstd[first + row]), m = V(along_mean[row]),
               s = V(along_scale[row])](std::int64_t i, int lanes) { return ((upstream(i, lanes) - m) - normal(i, lanes) * s) * scale; });
  });
}

template <class T>
void layer_norm_weight(std::int64_t rows, std::int64_t columns, const T* dy, const T* x, std::int64_t stride, const T* mean, const T* rstd,
                       T* dweight) {
  reduce_columns_of<Sum>(rows, columns, dweight, [=](std::int64_t i, std::int64_t j, int count) {
    const Vec<T> z = (load_lanes(x + i * stride + j, count) - Vec<T>(mean[i])) * Vec<T>(rstd[i]);
    return load_lanes(dy + i * stride + j, count) * z;
  });
}

template <class T>
void fill(NormalizationTable<T>& table) {
  table.layer_norm = layer_norm<T>;
  table.layer_norm_backward = layer_norm_backward<T>;
  table.layer_norm_weight = layer_norm_weight<T>;
}

}  // namespace

void fill_normalization(NormalizationTable<float>& f32, NormalizationTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
