// Placements as basic indices and as places in a block of memory.
#include "graph/engine/placement_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "array/arrangement.h"
#include "graph/engine/texts.h"

namespace gradgate {
namespace {

// The part as a basic index of the whole, "1, 2:5"; empty where it is none.
std::string basic_index(const Placement& p) {
  const Dims steps = contiguous_strides(p.whole);
  std::vector<std::string> terms;
  std::int64_t rest = p.offset;
  int next = 0;
  const auto add_axes = [&] {
    for (; next < p.part.size() && p.strides[next] == 0 && p.part[next] == 1; ++next) terms.emplace_back("None");
  };
  for (int d = 0; d < p.whole.size(); ++d) {
    add_axes();
    const std::int64_t start = rest / steps[d];
    rest %= steps[d];
    const std::int64_t count = next < p.part.size() ? p.part[next] : 0;
    const std::int64_t step = next < p.part.size() ? p.strides[next] / steps[d] : 0;
    const std::int64_t end = count ? start + (count - 1) * step + 1 : start;
    if (step <= 0 || p.strides[next] % steps[d] != 0 || end > p.whole[d]) {
      if (start >= p.whole[d]) return {};
      terms.push_back(cat(start));
      continue;
    }
    ++next;
    const bool is_all = start == 0 && end == p.whole[d] && step == 1;
    terms.push_back(is_all ? ":" : cat(start ? cat(start) : "", ":", end == p.whole[d] ? "" : cat(end), step == 1 ? "" : cat(":", step)));
  }
  add_axes();
  if (next < p.part.size() || p.layout.size() > 0) return {};
  while (terms.size() > 1 && terms.back() == ":") terms.pop_back();
  std::string index;
  for (const std::string& term : terms) index += (index.empty() ? "" : ", ") + term;
  return index.empty() ? "..." : index;
}

// The part as places in the block of memory, for the rest: diagonals, windows, parts of transposed memory.
std::string flat_index(const Placement& p) {
  std::string places = p.offset || p.part.empty() ? cat(p.offset) : "";
  for (int i = 0; i < p.part.size(); ++i) {
    Dims shape = Dims::filled(p.part.size() - i, 1);
    shape[0] = p.part[i];
    const Text count(std::to_string(p.part[i]), Binding::atom);
    const Text range = called("np.arange", count);
    const Text step = (shape.size() > 1 ? reshape_text(range, shape) : range) * Text(static_cast<double>(p.strides[i]));
    places += cat(places.empty() ? "" : " + ", step.code);
  }
  return places;
}

Dims memory_order(const Placement& p) {
  Dims order;
  for (int i = 0; i < p.whole.size(); ++i) order.push_back(i);
  if (!p.layout.empty())
    std::stable_sort(&order[0], &order[0] + order.size(), [&](std::int64_t a, std::int64_t b) {
      return p.layout[static_cast<int>(a)] > p.layout[static_cast<int>(b)];
    });
  return order;
}

Text to_block(const Text& x, const Placement& p) {
  const Text ordered = p.layout.empty() ? x : method_text(x, cat(".transpose(", tuple_text(memory_order(p)), ")"));
  return method_text(ordered, ".reshape(-1)");
}
Text from_block(const Text& block, const Placement& p) {
  if (p.layout.empty()) return reshape_text(block, p.whole);
  const Dims order = memory_order(p);
  Dims sizes = order;
  for (int i = 0; i < order.size(); ++i) sizes[i] = p.whole[static_cast<int>(order[i])];
  return method_text(reshape_text(block, sizes), cat(".transpose(", tuple_text(inverse_order(order)), ")"));
}

}  // namespace

Text take_text(const Text& x, const Placement& p) {
  const std::string index = basic_index(p);
  return index.empty() ? method_text(to_block(x, p), cat("[", flat_index(p), "]")) : method_text(x, cat("[", index, "]"));
}

Text place_text(const Text& x, const Placement& p) {
  if (repeated_dims(p).empty() && !basic_index(p).empty()) return replaced_text(zeros_text(p.whole), basic_index(p), x);
  return from_block(added_text(zeros_text({p.whole.product()}), flat_index(p), x), p);
}

Text replaced_text(const Text& x, const Placement& p, const Text& values) {
  const std::string index = basic_index(p);
  return index.empty() ? from_block(replaced_text(to_block(x, p), flat_index(p), values), p) : replaced_text(x, index, values);
}

}  // namespace gradgate
