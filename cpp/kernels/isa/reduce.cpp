// The reductions of rows and of columns, in the orders that reduce_table.h states.
#include "kernels/isa/column_reduction.h"
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

template <class R, class T>
void reduce_columns(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, T* y) {
  reduce_columns_of<R>(rows, columns, y,
                       [=](std::int64_t i, std::int64_t j, int lanes) { return R::element(load_lanes(x + i * stride + j, lanes)); });
}

template <class T>
void deviations_of_columns(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, const T* center, T* y) {
  reduce_columns_of<Sum>(rows, columns, y, [=](std::int64_t i, std::int64_t j, int lanes) {
    const Vec<T> d = load_lanes(x + i * stride + j, lanes) - load_lanes(center + j, lanes);
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
