// The reductions of rows and of columns, in the orders that reduce_table.h states.
#include "kernels/isa/row_reduction.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

template <class R, class T>
T chunk_of_row(std::int64_t n, const T* x) {
  return reduce_chunk<R, T>(0, n, [x](std::int64_t i, int count) { return R::element(load_lanes(x + i, count)); });
}

template <class T>
T deviations_of_row(std::int64_t n, const T* x, T center) {
  const Vec<T> c(center);
  return reduce_chunk<Sum, T>(0, n, [x, c](std::int64_t i, int count) {
    const Vec<T> d = load_lanes(x + i, count) - c;
    return d * d;
  });
}

// `registers` neighbouring registers of columns, of which the last has `count`: independent chains hide an addition's latency, and
// whole cache lines of each row are used while they are there.
template <class R, int registers, class T, class Element>
inline void reduce_strip(std::int64_t rows, const T* x, std::int64_t stride, T* y, int count, const Element& element) {
  using V = Vec<T>;
  V total[registers];
  for (V& t : total) t = V(R::identity);
  for (std::int64_t block = 0; block < rows; block += kReductionBlock) {
    const std::int64_t end = block + kReductionBlock < rows ? block + kReductionBlock : rows;
    V chain[registers];
    for (V& c : chain) c = V(R::identity);
    for (std::int64_t i = block; i < end; ++i)
      for (int k = 0; k < registers; ++k) {
        const int lanes = k + 1 < registers ? V::lanes : count;
        chain[k] = R::combine(chain[k], element(load_lanes(x + i * stride + k * V::lanes, lanes), k * V::lanes, lanes));
      }
    for (int k = 0; k < registers; ++k) total[k] = R::combine(total[k], chain[k]);
  }
  for (int k = 0; k < registers; ++k) store_lanes(total[k], y + k * V::lanes, k + 1 < registers ? V::lanes : count);
}

// element(value, column, lanes) maps what lies at a column.
template <class R, class T, class Element>
inline void reduce_strips(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, T* y, const Element& element) {
  using V = Vec<T>;
  constexpr int wide = 4;
  std::int64_t j = 0;
  for (; j + wide * V::lanes <= columns; j += wide * V::lanes)
    reduce_strip<R, wide>(rows, x + j, stride, y + j, V::lanes,
                          [&](V v, int k, int lanes) { return element(v, j + k, lanes); });
  for (; j < columns; j += V::lanes) {
    const int count = columns - j < V::lanes ? static_cast<int>(columns - j) : V::lanes;
    reduce_strip<R, 1>(rows, x + j, stride, y + j, count, [&](V v, int k, int lanes) { return element(v, j + k, lanes); });
  }
}

template <class R, class T>
void reduce_columns(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, T* y) {
  reduce_strips<R>(rows, columns, x, stride, y, [](Vec<T> v, std::int64_t, int) { return R::element(v); });
}

template <class T>
void deviations_of_columns(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, const T* center, T* y) {
  reduce_strips<Sum>(rows, columns, x, stride, y, [center](Vec<T> v, std::int64_t j, int lanes) {
    const Vec<T> d = v - load_lanes(center + j, lanes);
    return d * d;
  });
}

template <class T>
void fill(ReduceTable<T>& table) {
  auto set = [&]<class R>(Reduction r) {
    table.row[static_cast<int>(r)] = chunk_of_row<R, T>;
    table.columns[static_cast<int>(r)] = reduce_columns<R, T>;
  };
  set.template operator()<Sum>(Reduction::sum);
  set.template operator()<SumOfSquares>(Reduction::sum_of_squares);
  set.template operator()<SumOfMagnitudes>(Reduction::sum_of_magnitudes);
  set.template operator()<Prod>(Reduction::prod);
  set.template operator()<Max>(Reduction::max);
  set.template operator()<Min>(Reduction::min);
  table.row_deviations = deviations_of_row<T>;
  table.column_deviations = deviations_of_columns<T>;
}

}  // namespace

void fill_reduce(ReduceTable<float>& f32, ReduceTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
