// The backward kernels of the unary gates: downstream = upstream x local.
#include "gates/unary.h"
#include "gates/uses.h"
#include "kernels/elementwise_table.h"
#include "kernels/isa/elementwise_loops.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

template <class G, class T>
void backward(std::int64_t n, const T* dy, const T* x, const T* y, T* dx, const double* scalars) {
  const auto s = LocalScalars::of<G>(scalars);
  constexpr unsigned needs = unary_needs<G>();
  const T* inputs = needs & kFirstInput ? x : nullptr;
  const T* output = needs & kOutput ? y : nullptr;
  // What is computed from the output is computed without elementary functions.
  constexpr bool memory_bound = kMemoryBound<G> || needs == kOutput;
  map<memory_bound>(n, dx, [&](Vec<T> d, Vec<T> a, Vec<T> b) { return d * unary_local<G>(a, b, s.value); }, dy, inputs, output);
}

template <class T, class... G>
void fill(ElementwiseTable<T>& table, GateList<G...>) {
  static constexpr typename ElementwiseTable<T>::UnaryBackward kernels[] = {backward<G, T>...};
  table.unary_backward = kernels;
}

}  // namespace

void fill_unary_backward(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64) {
  fill(f32, UnaryGates{});
  fill(f64, UnaryGates{});
}

}  // namespace gradgate::GRADGATE_ISA
