// The forward kernels of the unary gates.
#include "gates/unary.h"
#include "kernels/elementwise_table.h"
#include "kernels/isa/elementwise_loops.h"
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {
namespace {

template <class G, class T>
void forward(std::int64_t n, const T* x, T* y, const double* scalars) {
  const auto s = LocalScalars::of<G>(scalars);
  map<kMemoryBound<G>>(n, y, [&](Vec<T> a) { return unary_forward<G>(a, s.value); }, x);
}

template <class T, class... G>
void fill(ElementwiseTable<T>& table, GateList<G...>) {
  static constexpr typename ElementwiseTable<T>::Unary kernels[] = {forward<G, T>...};
  table.unary = kernels;
}

}  // namespace

void fill_unary_forward(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64) {
  fill(f32, UnaryGates{});
  fill(f64, UnaryGates{});
}

}  // namespace gradgate::GRADGATE_ISA
