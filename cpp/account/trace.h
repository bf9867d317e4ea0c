// Reads what was recorded in a trace (graph/engine/phrase.h) back into NumPy expressions of named values.
#pragma once

#include <string>
#include <vector>

#include "gates/text.h"
#include "graph/engine/node.h"

namespace gradgate {

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

}  // namespace gradgate
