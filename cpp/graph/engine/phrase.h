// Phrases: in a trace, what is computed off the graph (comparisons, positions, counts) is recorded, too, as text.
//
// While a trace runs, gates record as always; the graph behind a result is then read back into text (account/trace.h), down to the
// values that have names.
#pragma once

#include <functional>

#include "gates/text.h"
#include "graph/engine/record.h"

namespace gradgate {

bool tracing();

class Tracing {
 public:
  Tracing();
  ~Tracing();
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

 private:
  bool before_;
};

// A value whose text is said, for a trace alone.
class Phrase final : public Gate {
 public:
  using Words = std::function<Text(const InputTexts&)>;
  explicit Phrase(Words words) : words_(std::move(words)) {}
  const GateKind& kind() const override;
  void infer(const Inputs&, Plan&) const override;
  void run(const Inputs&, const Outputs&) const override;
  void rule(BackwardContext&) const override;
  Text text(const InputTexts& in) const override { return words_(in); }

 private:
  Words words_;
};

// In a trace the result is recorded as the value of words(texts of the inputs); elsewhere it stays as it is.
template <class Words, class... Inputs>
Tensor phrase(const Tensor& result, Words words, const Inputs&... inputs) {
  if (!tracing() || !records(inputs...)) return result;
  const Tensor list[] = {inputs...};
  Results results;
  results.push_back(result.alias());
  record(Ref<const Gate>(new Phrase(std::move(words))), {list, static_cast<int>(sizeof...(inputs))}, results);
  return std::move(results[0]);
}

// Off the graph, sharing memory. A trace looks through what no gradient flows through.
inline Tensor detach(const Tensor& x) { return tracing() ? x : x.alias(); }

}  // namespace gradgate
