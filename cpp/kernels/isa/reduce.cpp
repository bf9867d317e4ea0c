// The reductions of rows and of columns, in the orders that reduce_table.h states.
#include "kernels/isa/column_reduction.h"
#include "kernels/isa/row_group.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

// y[row] = the reduction of terms(row) for every row.
template <class R, class T, class Terms>
inline void reduce_rows_of(std::int64_t rows, std::int64_t n, T* y, const Terms& terms) {
  using V = Vec<T>;
  each_row_group<T>(rows, n, [&](std::int64_t first, int count) {
    alignas(V) T result[V::lanes];
    reduce_row_group<R>(count, n, result, [=](int row) { return terms(first + row); });
    store_lanes(load_lanes(result, count), y + first, count);
  });
}

template <class R, class T>
void reduce_rows(std::int64_t rows, std::int64_t n, const T* x, T* y) {
  reduce_rows_of<R>(rows, n, y, [=](std::int64_t row) {
    return [from = x + row * n](std::int64_t i, int lanes) { return R::element(load_lanes(from + i, lanes)); };
  });
}

template <class T>
void deviations_of_rows(std::int64_t rows, std::int64_t n, const T* x, const T* center, std::int64_t stride, T* y) {
  reduce_rows_of<Sum>(rows, n, y, [=](std::int64_t row) {
    return [from = x + row * n, c = Vec<T>(center[row * stride])](std::int64_t i, int lanes) {
      const Vec<T> d = load_lanes(from + i, lanes) - c;
      return d * d;
    };
  });
}

template <class T>
inline std::int64_t first_of_row(std::int64_t n, const T* x, T value) {
  using V = Vec<T>;
  constexpr int registers = kVirtualLanes / V::lanes;
  const auto found = [x, v = V(value), is_nan = V(value) != V(value)](std::int64_t i, int lanes) {
    const V u = load_lanes(x + i, lanes);
    return static_cast<std::uint64_t>(lane_bits((u == v) | ((u != u) & is_nan)));
  };
  std::int64_t i = 0;
  for (; i + kVirtualLanes <= n; i += kVirtualLanes) {
    std::uint64_t bits = 0;
    for (int j = 0; j < registers; ++j) bits |= found(i + j * V::lanes, V::lanes) << (j * V::lanes);
    if (bits) return i + __builtin_ctzll(bits);
  }
  // Lanes beyond the row are zeros, which may equal the value, but lie behind the one that does.
  for (; i < n; i += V::lanes)
    if (const std::uint64_t bits = found(i, n - i < V::lanes ? static_cast<int>(n - i) : V::lanes)) return i + __builtin_ctzll(bits);
  return n - 1;
}

template <class T>
void first_of_rows(std::int64_t rows, std::int64_t n, const T* x, const T* value, std::int64_t* index) {
  for (; rows > 0; --rows, x += n) *index++ = first_of_row(n, x, *value++);
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
    table.rows[static_cast<int>(r)] = reduce_rows<R, T>;
    table.columns[static_cast<int>(r)] = reduce_columns<R, T>;
  };
  set.template operator()<Sum>(Reduction::sum);
  set.template operator()<SumOfSquares>(Reduction::sum_of_squares);
  set.template operator()<SumOfMagnitudes>(Reduction::sum_of_magnitudes);
  set.template operator()<Prod>(Reduction::prod);
  set.template operator()<Max>(Reduction::max);
  set.template operator()<Min>(Reduction::min);
  table.row_deviations = deviations_of_rows<T>;
  table.column_deviations = deviations_of_columns<T>;
  table.first_of_rows = first_of_rows<T>;
}

}  // namespace

void fill_reduce(ReduceTable<float>& f32, ReduceTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
