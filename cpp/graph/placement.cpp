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

}  // namespace

Tensor take(const Tensor& x, const Placement& p) {
  const Tensor whole = contiguous(x);
  Tensor part = whole.alias(p.part, p.strides, p.offset);
  return records(whole) ? record_take(std::move(part), whole, p) : part;
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
  Tensor whole = zeros(p.whole, x.dtype());
  copy_elements(whole.alias(values.shape(), p.strides, p.offset), values);
  return records(x) ? record(std::move(whole), new Place(p), x) : whole;
}

Tensor record_take(Tensor part, const Tensor& x, const Placement& p, const char* name) {
  return record(std::move(part), new Take(p, name), x);
}

}  // namespace gradgate
