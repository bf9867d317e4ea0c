// Fills the tables of integer kernels.
#include "kernels/integer.h"

#include "gates/integer.h"

namespace gradgate {
namespace {

template <class G, class T>
void unary_loop(std::int64_t n, const T* x, T* y, const double* scalars) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = unary_forward<G>(Integer<T>(x[i]), scalars).v;
}

template <class G, class T>
void binary_loop(std::int64_t n, const T* a, const T* b, T* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = G::forward(Integer<T>(a[i]), Integer<T>(b[i])).v;
}

template <class T>
ElementwiseTable<T> build() {
  ElementwiseTable<T> table = {};
  int i = 0;
  UnaryGates::each([&]<class G>() {
    if constexpr (G::info.integers == Integers::keep) table.unary[i] = unary_loop<G, T>;
    ++i;
  });
  i = 0;
  BinaryGates::each([&]<class G>() {
    if constexpr (G::info.integers == Integers::keep) table.binary[i] = binary_loop<G, T>;
    ++i;
  });
  return table;
}

}  // namespace

const ElementwiseTable<std::uint8_t>& uint8_kernels() {
  static const auto table = build<std::uint8_t>();
  return table;
}
const ElementwiseTable<std::int32_t>& int32_kernels() {
  static const auto table = build<std::int32_t>();
  return table;
}
const ElementwiseTable<std::int64_t>& int64_kernels() {
  static const auto table = build<std::int64_t>();
  return table;
}

}  // namespace gradgate
