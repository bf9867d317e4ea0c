// Layer normalisation, row by row; the sums follow the rule of the rows, those for the weight the rule of the columns.
#include "kernels/isa/column_reduction.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

template <class T, class Term>
inline T mean_of(std::int64_t n, const Term& term) {
  return reduce_row<Sum, T>(n, term) / static_cast<T>(n);
}

template <class T>
void layer_norm(std::int64_t rows, std::int64_t n, const T* x, const T* weight, const T* bias, T eps, T* y, T* mean, T* rstd) {
  using V = Vec<T>;
  for (; rows > 0; --rows, x += n, y += n, ++mean, ++rstd) {
    *mean = mean_of<T>(n, [&](std::int64_t i, int count) { return load_lanes(x + i, count); });
    const V center(*mean);
    const T variance = mean_of<T>(n, [&](std::int64_t i, int count) {
      const V d = load_lanes(x + i, count) - center;
      return d * d;
    });
    const V scale = V(1) / sqrt(V(variance + eps));
    *rstd = scale.r[0];
    map_row(n, y, [&](std::int64_t i, int count) {
      V z = (load_lanes(x + i, count) - center) * scale;
      if (weight) z = z * load_lanes(weight + i, count);
      if (bias) z = z + load_lanes(bias + i, count);
      return z;
    });
  }
}

template <class T>
void layer_norm_backward(std::int64_t rows, std::int64_t n, const T* dy, const T* x, const T* mean, const T* rstd, const T* weight, T* dx) {
  using V = Vec<T>;
  for (; rows > 0; --rows, dy += n, x += n, ++mean, ++rstd, dx += n) {
    const V center(*mean), scale(*rstd);
    auto upstream = [&](std::int64_t i, int count) {
      const V d = load_lanes(dy + i, count);
      return weight ? d * load_lanes(weight + i, count) : d;
    };
    auto normal = [&](std::int64_t i, int count) { return (load_lanes(x + i, count) - center) * scale; };
    const V along_mean(mean_of<T>(n, upstream));
    const V along_scale(mean_of<T>(n, [&](std::int64_t i, int count) { return upstream(i, count) * normal(i, count); }));
    map_row(n, dx, [&](std::int64_t i, int count) {
      return ((upstream(i, count) - along_mean) - normal(i, count) * along_scale) * scale;
    });
  }
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
