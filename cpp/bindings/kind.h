// What Python calls a kind of gate.
#pragma once

#include <string>

namespace gradgate {

// "LeakyReluBackward" -> "leaky_relu"
inline std::string kind_of(const std::string& node_name) {
  std::string kind;
  for (char c : node_name.substr(0, node_name.size() - std::string("Backward").size())) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !kind.empty() && kind.back() != '_') kind += '_';
    kind += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return kind;
}

}  // namespace gradgate
