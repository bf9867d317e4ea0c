// The forward and backward kernels of the binary gates, and the forward kernels of the ternary ones.
#include "gates/binary.h"
#include "gates/ternary.h"
#include "gates/uses.h"
#include "kernels/elementwise_table.h"
#include "kernels/isa/elementwise_loops.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

template <class G, class T>
struct BinaryKernels {
  static void forward(std::int64_t n, const T* a, const T* b, T* y) {
    map<kMemoryBound<G>>(n, y, [](Vec<T> u, Vec<T> v) { return G::forward(u, v); }, a, b);
  }
  static void backward_a(std::int64_t n, const T* dy, const T* a, const T* b, const T* y, T* dx) {
    downstream<binary_needs<G>(0)>(n, dx, [](Vec<T> u, Vec<T> v, Vec<T> w) { return G::local_a(u, v, w); }, dy, a, b, y);
  }
  static void backward_b(std::int64_t n, const T* dy, const T* a, const T* b, const T* y, T* dx) {
    downstream<binary_needs<G>(1)>(n, dx, [](Vec<T> u, Vec<T> v, Vec<T> w) { return G::local_b(u, v, w); }, dy, a, b, y);
  }

 private:
  // dx = dy * local(a, b, y), where what the local gradient does not need is not read.
  template <unsigned needs, class Local>
  static void downstream(std::int64_t n, T* dx, Local local, const T* dy, const T* a, const T* b, const T* y) {
    map<kMemoryBound<G>>(n, dx, [local](Vec<T> d, Vec<T> u, Vec<T> v, Vec<T> w) { return d * local(u, v, w); }, dy,
                         needs & kFirstInput ? a : nullptr, needs & kSecondInput ? b : nullptr, needs & kOutput ? y : nullptr);
  }
};

template <class G, class T>
void ternary_forward(std::int64_t n, const T* a, const T* b, const T* c, T* y) {
  map<kMemoryBound<G>>(n, y, [](Vec<T> u, Vec<T> v, Vec<T> w) { return G::forward(u, v, w); }, a, b, c);
}

template <class T, class... G2, class... G3>
void fill(ElementwiseTable<T>& table, GateList<G2...>, GateList<G3...>) {
  using Table = ElementwiseTable<T>;
  static constexpr typename Table::Binary binary[] = {BinaryKernels<G2, T>::forward...};
  static constexpr typename Table::BinaryBackward backward[][2] = {
      {BinaryKernels<G2, T>::backward_a, BinaryKernels<G2, T>::backward_b}...};
  static constexpr typename Table::Ternary ternary[] = {ternary_forward<G3, T>...};
  table.binary = binary;
  table.binary_backward = backward;
  table.ternary = ternary;
}

}  // namespace

void fill_multi_input(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64) {
  fill(f32, BinaryGates{}, TernaryGates{});
  fill(f64, BinaryGates{}, TernaryGates{});
}

}  // namespace gradgate::GRADGATE_ISA
