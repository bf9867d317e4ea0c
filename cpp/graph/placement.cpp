// Taking and placing parts, each the other's gradient.
#include "graph/placement.h"

#include <algorithm>
#include <string>
#include <vector>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/reduce.h"
#include "graph/reduce_arrangement.h"
#include "graph/trace.h"

namespace gradgate {
namespace {

// Placements as text.

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

Text take_text(const Text& x, const Placement& p) {
  const std::string index = basic_index(p);
  return index.empty() ? method_text(to_block(x, p), cat("[", flat_index(p), "]")) : method_text(x, cat("[", index, "]"));
}

Dims repeated_dims(const Placement& p) {
  Dims repeated;
  for (int i = 0; i < p.part.size(); ++i)
    if (p.strides[i] == 0 && p.part[i] > 1) repeated.push_back(i);
  return repeated;
}

Text place_text(const Text& x, const Placement& p) {
  if (repeated_dims(p).empty() && !basic_index(p).empty()) return replaced_text(zeros_text(p.whole), basic_index(p), x);
  return from_block(added_text(zeros_text({p.whole.product()}), flat_index(p), x), p);
}

class Take final : public Node {
 public:
  Take(const Placement& p, const char* name) : placement_(p), name_(name) {}
  const char* name() const override { return name_; }
  void backward(Flow& flow) override { flow.downstream(0, place(flow.upstream(), placement_)); }
  Tensors forward(const Replay& in) const override { return {take(in[0], placement_, name_)}; }
  Text text(const Text* in) const override { return take_text(in[0], placement_); }

 private:
  Placement placement_;
  const char* name_;
};

class Place final : public Node {
 public:
  explicit Place(const Placement& p) : placement_(p) {}
  const char* name() const override { return "PlaceBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, take(flow.upstream(), placement_)); }
  Tensors forward(const Replay& in) const override { return {place(in[0], placement_)}; }
  Text text(const Text* in) const override { return place_text(in[0], placement_); }

 private:
  Placement placement_;
};

class Clear final : public Node {
 public:
  explicit Clear(const Placement& p) : placement_(p) {}
  const char* name() const override { return "ClearBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, clear(flow.upstream(), placement_)); }
  Tensors forward(const Replay& in) const override { return {clear(in[0], placement_)}; }
  Text text(const Text* in) const override { return replaced_text(in[0], placement_, Text(0)); }

 private:
  Placement placement_;
};

// A new tensor of the whole's shape, stored as the placement says.
Tensor empty_whole(const Placement& p, DType dtype) {
  const Tensor block = Tensor::empty(p.whole, dtype);
  return p.layout.empty() ? block : block.alias(p.whole, p.layout);
}

bool is_stored_as(const Tensor& x, const Placement& p) {
  if (p.layout.empty()) return x.is_contiguous();
  for (int i = 0; i < x.ndim(); ++i)
    if (x.size(i) != 1 && x.strides()[i] != p.layout[i]) return false;
  return true;
}

Tensor part_of(const Tensor& whole, const Placement& p) { return whole.alias(p.part, p.strides, p.offset); }

}  // namespace

Tensor take(const Tensor& x, const Placement& p, const char* name) {
  Tensor whole = x;
  if (!is_stored_as(x, p)) {
    whole = empty_whole(p, x.dtype());
    copy_elements(whole, x);
  }
  Tensor part = part_of(whole, p);
  return records(x) ? record_take(std::move(part), x, p, name) : part;
}

Tensor place(const Tensor& x, const Placement& p) {
  Tensor values = x;
  if (const Dims repeated = repeated_dims(p); !repeated.empty()) {
    GradMode off(false);
    values = sum(x, repeated, true);
  }
  Tensor whole = empty_whole(p, x.dtype());
  copy_elements(whole, zeros({}, x.dtype()));
  copy_elements(whole.alias(values.shape(), p.strides, p.offset), values);
  return records(x) ? record(std::move(whole), new Place(p), x) : whole;
}

Tensor replaced(const Tensor& x, const Placement& p, const Tensor& values) {
  Tensor out = empty_whole(p, x.dtype());
  copy_elements(out, x);
  copy_elements(part_of(out, p), values);
  return out;
}

Text replaced_text(const Text& x, const Placement& p, const Text& values) {
  const std::string index = basic_index(p);
  return index.empty() ? from_block(replaced_text(to_block(x, p), flat_index(p), values), p) : replaced_text(x, index, values);
}

Tensor clear(const Tensor& x, const Placement& p) {
  Tensor cleared = replaced(x, p, zeros({}, x.dtype()));
  return records(x) ? record(std::move(cleared), new Clear(p), x) : cleared;
}

Tensor record_take(Tensor part, const Tensor& x, const Placement& p, const char* name) {
  return record(std::move(part), new Take(p, name), x);
}

}  // namespace gradgate
