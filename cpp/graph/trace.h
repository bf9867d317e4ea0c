// Traces: computations written down as NumPy expressions of named values.
//
// While a trace runs, gates record as always, and what is computed off the graph (comparisons, positions, counts) is recorded, too, as
// phrases. The graph behind a result is then read back into text, down to the values that have names.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gates/text.h"
#include "graph/node.h"

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
class Phrase final : public Node {
 public:
  explicit Phrase(std::function<Text(const Text*)> words) : words_(std::move(words)) {}
  const char* name() const override { return "PhraseBackward"; }
  void backward(Flow&) override;
  Tensors forward(const Replay&) const override;
  Text text(const Text* in) const override { return words_(in); }

 private:
  std::function<Text(const Text*)> words_;
};

// In a trace the result is recorded as the value of words(texts of the inputs); elsewhere it stays as it is.
template <class Words, class... Inputs>
Tensor phrase(const Tensor& result, Words words, const Inputs&... inputs) {
  if (!tracing() || !records(inputs...)) return result;
  return record(result.alias(), new Phrase(std::move(words)), inputs...);
}

// A value behind which a trace does not look.
struct Named {
  const Node* node;
  std::uint32_t output;
  Text text;
};

// One or more lines, of which all but the last name a part of the last: "{t0} = ...".
struct Written {
  std::vector<std::string> lines;
  unsigned needs = 0;  // of the preamble
};

// The graph behind `value` as text. Arrays of the graph that no expression gives are added to `constants`, {c0}, {c1} and so on.
// Numbers and arrays of one number are written out.
Written write_down(const Tensor& value, const std::vector<Named>& names, std::vector<Tensor>& constants);

// The functions that texts call, each with its bit of Text::needs.
struct PreambleFunction {
  unsigned bit;
  const char* source;
};
extern const std::vector<PreambleFunction> kPreamble;

// Pieces of texts.
Text number_text(const Tensor& t);                                   // of one element
std::string tuple_text(const Dims& dims);                            // (2, 3)
Text method_text(const Text& x, const std::string& call);            // x.call
Text reshape_text(const Text& x, const Dims& shape);                 // x.reshape(2, 3)
std::string axes_text(const Dims& dims, int ndim, bool keepdims);    // axis=(0, 1), keepdims=True
Text reduce_text(const Text& x, const char* function, const Dims& dims, int ndim, bool keepdims);
Text zeros_text(const Dims& shape, DType dtype = DType::float64);
Text replaced_text(const Text& x, const std::string& index, const Text& values);
Text added_text(const Text& x, const std::string& index, const Text& values);

}  // namespace gradgate
