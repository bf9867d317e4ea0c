// Names of gates, and what a gate does by default.
#include "graph/engine/gate.h"

#include "gates/text.h"

namespace gradgate {
namespace {

std::string printed(std::string_view name) {
  std::string graph_name;
  bool upper = true;
  for (char c : name) {
    if (c != '_') graph_name += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = c == '_';
  }
  return graph_name + "Backward";
}

}  // namespace

GateKind::GateKind(std::string_view name) : name_(name), graph_name_(printed(name)) {}

const Text& InputTexts::operator[](int i) const { return texts[i]; }

Text Gate::text(const InputTexts&) const { return {}; }
Text Gate::local_text(int, const InputTexts&, const Text&) const { return {}; }

}  // namespace gradgate
