// One optimizer step over many parameters in one call, cut into pieces for the threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/float_environment.h"
#include "base/thread_pool.h"
#include "gates/lists.h"
#include "kernels/dispatch.h"

namespace gradgate {

// A parameter's arrays, n contiguous elements each, in the same order in memory.
template <class Rule, class T>
struct ParameterUpdate {
  std::int64_t n;
  T* p;
  const T* g;
  T* state[Rule::states];  // null where the options need none
  double step;             // how often the parameter has been updated, this time included

  void run(const typename Rule::Numbers& numbers, std::int64_t begin, std::int64_t end) const {
    T* part[Rule::states];
    for (int s = 0; s < Rule::states; ++s) part[s] = state[s] ? state[s] + begin : nullptr;
    kernels().of<T>().optimizer.run[OptimizerRules::index<Rule>()](end - begin, p + begin, g + begin, part, &numbers);
  }
};

// The least work worth a thread: about 15 us of Adam in float32, ten times what waking a thread costs.
inline constexpr std::int64_t kOptimizerGrain = 32768;

template <class Rule, class T>
void update_parameters(const Rule& rule, const std::vector<ParameterUpdate<Rule, T>>& updates) {
  const FloatEnvironment environment;
  std::int64_t total = 0;
  for (const auto& update : updates) total += update.n;
  if (total < 2 * kOptimizerGrain || get_num_threads() == 1) {
    for (const auto& update : updates) update.run(rule.at(update.step), 0, update.n);
    return;
  }
  struct Piece {
    const ParameterUpdate<Rule, T>* update;
    typename Rule::Numbers numbers;
    std::int64_t begin, end;
  };
  std::vector<Piece> pieces;
  for (const auto& update : updates)
    for (std::int64_t begin = 0; begin < update.n; begin += kOptimizerGrain)
      pieces.push_back({&update, rule.at(update.step), begin, std::min(begin + kOptimizerGrain, update.n)});
  parallel(static_cast<int>(pieces.size()), [&](int i) {
    const Piece& piece = pieces[static_cast<std::size_t>(i)];
    piece.update->run(piece.numbers, piece.begin, piece.end);
  });
}

}  // namespace gradgate
