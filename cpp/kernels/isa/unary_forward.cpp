// The forward kernels of the unary gates.
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

template <class T>
void fill(ElementwiseTable<T>& table) {
  int i = 0;
  UnaryGates::each([&]<class G>() { table.unary[i++] = forward<G, T>; });
}

}  // namespace

void fill_unary_forward(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64) {
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
