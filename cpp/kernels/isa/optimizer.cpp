// The optimizer kernels: each update rule over whole registers, then a masked tail.
#include "gates/optimizer.h"
#include "kernels/isa/tables.h"
#include "simd/math.h"

namespace gradgate::GRADGATE_ISA {
namespace {

// One register of every array: `span` is empty for a whole register or the number of lanes of the tail.
template <class Rule, class T, class... Span>
inline void update_register(T* p, const T* g, T* const* state, std::int64_t i, const typename Rule::Numbers& k, Span... span) {
  using V = Vec<T>;
  V values[Rule::states];
  for (int s = 0; s < Rule::states; ++s) values[s] = state[s] ? V::load(state[s] + i, span...) : V(0);
  V parameter = V::load(p + i, span...);
  Rule::update(k, parameter, V::load(g + i, span...), values);
  parameter.store(p + i, span...);
  for (int s = 0; s < Rule::states; ++s)
    if (state[s]) values[s].store(state[s] + i, span...);
}

template <class Rule, class T>
void update(std::int64_t n, T* p, const T* g, T* const* state, const void* numbers) {
  // Copies whose addresses stay here: the stores cannot be thought to change them.
  const typename Rule::Numbers k = *static_cast<const typename Rule::Numbers*>(numbers);
  T* arrays[Rule::states];
  for (int s = 0; s < Rule::states; ++s) arrays[s] = state[s];
  std::int64_t i = 0;
  for (; i + Vec<T>::lanes <= n; i += Vec<T>::lanes) update_register<Rule>(p, g, arrays, i, k);
  if (i < n) update_register<Rule>(p, g, arrays, i, k, static_cast<int>(n - i));
}

template <class T, class... Rules>
void fill(OptimizerTable<T>& table, GateList<Rules...>) {
  static constexpr typename OptimizerTable<T>::Run run[] = {update<Rules, T>...};
  table.run = run;
}

}  // namespace

void fill_optimizer(OptimizerTable<float>& f32, OptimizerTable<double>& f64) {
  fill(f32, OptimizerRules{});
  fill(f64, OptimizerRules{});
}

}  // namespace gradgate::GRADGATE_ISA
