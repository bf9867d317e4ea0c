// The forward and backward kernels of the binary gates, and the forward kernels of the ternary ones.
#include "kernels/elementwise_table.h"
#include "kernels/isa/elementwise_loops.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

template <class G, class T>
struct BinaryKernels {
  static constexpr bool kInputs = saves_inputs(G::info.saves);
  static constexpr bool kOutput = saves_output(G::info.saves);

  static void forward(std::int64_t n, const T* a, const T* b, T* y) {
    map<kMemoryBound<G>>(n, y, [](Vec<T> u, Vec<T> v) { return G::forward(u, v); }, a, b);
  }
  static void backward_a(std::int64_t n, const T* dy, const T* a, const T* b, const T* y, T* dx) {
    map<kMemoryBound<G>>(n, dx, [](Vec<T> d, Vec<T> u, Vec<T> v, Vec<T> w) { return d * G::local_a(u, v, w); }, dy, kInputs ? a : nullptr,
        kInputs ? b : nullptr, kOutput ? y : nullptr);
  }
  static void backward_b(std::int64_t n, const T* dy, const T* a, const T* b, const T* y, T* dx) {
    map<kMemoryBound<G>>(n, dx, [](Vec<T> d, Vec<T> u, Vec<T> v, Vec<T> w) { return d * G::local_b(u, v, w); }, dy, kInputs ? a : nullptr,
        kInputs ? b : nullptr, kOutput ? y : nullptr);
  }
};

template <class G, class T>
void ternary_forward(std::int64_t n, const T* a, const T* b, const T* c, T* y) {
  map<kMemoryBound<G>>(n, y, [](Vec<T> u, Vec<T> v, Vec<T> w) { return G::forward(u, v, w); }, a, b, c);
}

template <class T>
void fill(ElementwiseTable<T>& table) {
  int i = 0;
  BinaryGates::each([&]<class G>() {
    using K = BinaryKernels<G, T>;
    table.binary[i] = K::forward;
    table.binary_backward[i][0] = K::backward_a;
    table.binary_backward[i][1] = K::backward_b;
    ++i;
  });
  i = 0;
  TernaryGates::each([&]<class G>() { table.ternary[i++] = ternary_forward<G, T>; });
}

}  // namespace

void fill_multi_input(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
