// The reductions of rows and of columns, in the orders that reduce_table.h states.
#include "gates/binary.h"
#include "kernels/isa/tables.h"
#include "kernels/reduce_table.h"
#include "simd/vec.h"

namespace gradgate::GRADGATE_ISA {
namespace {

// A reduction is an identity, a map of the elements and a combination.
struct Sum {
  static constexpr double identity = -0.0;  // -0 + x is x, also for x = -0
  template <class V> static V element(V x) { return x; }
  template <class V> static V combine(V a, V b) { return a + b; }
};
struct SumOfSquares : Sum {
  template <class V> static V element(V x) { return x * x; }
};
struct SumOfMagnitudes : Sum {
  template <class V> static V element(V x) { return abs(x); }
};
struct Prod {
  static constexpr double identity = 1;
  template <class V> static V element(V x) { return x; }
  template <class V> static V combine(V a, V b) { return a * b; }
};
struct Max {
  static constexpr double identity = -__builtin_inf();
  template <class V> static V element(V x) { return x; }
  template <class V> static V combine(V a, V b) { return Maximum::forward(a, b); }
};
struct Min {
  static constexpr double identity = __builtin_inf();
  template <class V> static V element(V x) { return x; }
  template <class V> static V combine(V a, V b) { return Minimum::forward(a, b); }
};

// The first `width` of the values, combined pairwise with those `width / 2` further, and so on down to one.
template <class R, class T>
T halve(T* value) {
  using V = Vec<T>;
  int width = kVirtualLanes / 2;
  for (; width >= V::lanes; width /= 2)
    for (int i = 0; i < width; i += V::lanes) R::combine(V::load(value + i), V::load(value + i + width)).store(value + i);
  for (; width > 0; width /= 2) {
    const V low = V::load(value, width), high = V::load(value + width, width);
    R::combine(low, high).store(value, width);
  }
  return value[0];
}

template <class R, class T>
T reduce_row(std::int64_t n, const T* x) {
  using V = Vec<T>;
  constexpr int registers = kVirtualLanes / V::lanes;
  V lane[registers];
  for (V& v : lane) v = V(R::identity);
  std::int64_t i = 0;
  for (; i + kVirtualLanes <= n; i += kVirtualLanes)
    for (int j = 0; j < registers; ++j) lane[j] = R::combine(lane[j], R::element(V::load(x + i + j * V::lanes)));
  alignas(64) T value[kVirtualLanes];
  for (int j = 0; j < registers; ++j) lane[j].store(value + j * V::lanes);
  // Combining a missing element's identity changes nothing, so the lanes beyond the end are left alone.
  for (int j = 0; i < n; i += V::lanes, j += V::lanes) {
    const int count = n - i < V::lanes ? static_cast<int>(n - i) : V::lanes;
    R::combine(V::load(value + j, count), R::element(V::load(x + i, count))).store(value + j, count);
  }
  return halve<R>(value);
}

template <class R, class T>
void reduce_columns(std::int64_t rows, std::int64_t columns, const T* x, std::int64_t stride, T* y) {
  using V = Vec<T>;
  for (std::int64_t j = 0; j < columns; j += V::lanes) {
    const int count = columns - j < V::lanes ? static_cast<int>(columns - j) : V::lanes;
    V total(R::identity);
    for (std::int64_t block = 0; block < rows; block += kReductionBlock) {
      const std::int64_t end = block + kReductionBlock < rows ? block + kReductionBlock : rows;
      V chain(R::identity);
      for (std::int64_t i = block; i < end; ++i) chain = R::combine(chain, R::element(V::load(x + i * stride + j, count)));
      total = R::combine(total, chain);
    }
    total.store(y + j, count);
  }
}

template <class T>
void fill(ReduceTable<T>& table) {
  auto set = [&]<class R>(Reduction r) {
    table.row[static_cast<int>(r)] = reduce_row<R, T>;
    table.columns[static_cast<int>(r)] = reduce_columns<R, T>;
  };
  set.template operator()<Sum>(Reduction::sum);
  set.template operator()<SumOfSquares>(Reduction::sum_of_squares);
  set.template operator()<SumOfMagnitudes>(Reduction::sum_of_magnitudes);
  set.template operator()<Prod>(Reduction::prod);
  set.template operator()<Max>(Reduction::max);
  set.template operator()<Min>(Reduction::min);
}

}  // namespace

void fill_reduce(ReduceTable<float>& f32, ReduceTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
