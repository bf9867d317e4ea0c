// Fills the tables of integer kernels.
#include "kernels/integer.h"

#include "gates/binary.h"
#include "gates/integer.h"
#include "gates/unary.h"

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

// Null for a gate that does not compute in integers.
template <class G, class T>
constexpr typename ElementwiseTable<T>::Unary unary_kernel() {
  if constexpr (G::info.integers == Integers::keep) return unary_loop<G, T>;
  return nullptr;
}
template <class G, class T>
constexpr typename ElementwiseTable<T>::Binary binary_kernel() {
  if constexpr (G::info.integers == Integers::keep) return binary_loop<G, T>;
  return nullptr;
}

template <class T, class... G1, class... G2>
const ElementwiseTable<T>& table_of(GateList<G1...>, GateList<G2...>) {
  static constexpr typename ElementwiseTable<T>::Unary unary[] = {unary_kernel<G1, T>()...};
  static constexpr typename ElementwiseTable<T>::Binary binary[] = {binary_kernel<G2, T>()...};
  static constexpr ElementwiseTable<T> table{unary, nullptr, binary, nullptr, nullptr};
  return table;
}

}  // namespace

const ElementwiseTable<std::uint8_t>& uint8_kernels() { return table_of<std::uint8_t>(UnaryGates{}, BinaryGates{}); }
const ElementwiseTable<std::int32_t>& int32_kernels() { return table_of<std::int32_t>(UnaryGates{}, BinaryGates{}); }
const ElementwiseTable<std::int64_t>& int64_kernels() { return table_of<std::int64_t>(UnaryGates{}, BinaryGates{}); }

}  // namespace gradgate
