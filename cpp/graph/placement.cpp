// Taking and placing parts, each the other's gradient.
#include "graph/placement.h"

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/reduce.h"

namespace gradgate {
namespace {

class Take final : public Node {
 public:
  Take(const Placement& p, const char* name) : placement_(p), name_(name) {}
  const char* name() const override { return name_; }
  void backward(Flow& flow) override { flow.downstream(0, place(flow.upstream(), placement_)); }

 private:
  Placement placement_;
  const char* name_;
};

class Place final : public Node {
 public:
  explicit Place(const Placement& p) : placement_(p) {}
  const char* name() const override { return "PlaceBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, take(flow.upstream(), placement_)); }

 private:
  Placement placement_;
};

class Clear final : public Node {
 public:
  explicit Clear(const Placement& p) : placement_(p) {}
  const char* name() const override { return "ClearBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, clear(flow.upstream(), placement_)); }

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

Tensor take(const Tensor& x, const Placement& p) {
  Tensor whole = x;
  if (!is_stored_as(x, p)) {
    whole = empty_whole(p, x.dtype());
    copy_elements(whole, x);
  }
  Tensor part = part_of(whole, p);
  return records(x) ? record_take(std::move(part), x, p) : part;
}

Tensor place(const Tensor& x, const Placement& p) {
  Tensor values = x;
  Dims repeated;
  for (int i = 0; i < p.part.size(); ++i)
    if (p.strides[i] == 0 && p.part[i] > 1) repeated.push_back(i);
  if (!repeated.empty()) {
    GradMode off(false);
    values = sum(x, repeated, true);
  }
  Tensor whole = empty_whole(p, x.dtype());
  copy_elements(whole, zeros({}, x.dtype()));
  copy_elements(whole.alias(values.shape(), p.strides, p.offset), values);
  return records(x) ? record(std::move(whole), new Place(p), x) : whole;
}

Tensor clear(const Tensor& x, const Placement& p) {
  Tensor cleared = empty_whole(p, x.dtype());
  copy_elements(cleared, x);
  copy_elements(part_of(cleared, p), zeros({}, x.dtype()));
  return records(x) ? record(std::move(cleared), new Clear(p), x) : cleared;
}

Tensor record_take(Tensor part, const Tensor& x, const Placement& p, const char* name) {
  return record(std::move(part), new Take(p, name), x);
}

}  // namespace gradgate
