// In-place changes seen through views.
#include "graph/view_history.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/hooks.h"
#include "graph/node.h"
#include "graph/placement.h"

namespace gradgate {
namespace {

// The strides of a block of memory without gaps that holds a tensor's elements in the order of its own memory.
Dims packed_strides(const Tensor& t) {
  Dims order;
  for (int i = 0; i < t.ndim(); ++i) order.push_back(i);
  const auto stride = [&](std::int64_t dim) { return std::abs(t.strides()[static_cast<int>(dim)]); };
  std::stable_sort(&order[0], &order[0] + order.size(), [&](std::int64_t a, std::int64_t b) { return stride(a) < stride(b); });
  Dims packed = t.strides();
  std::int64_t step = 1;
  for (std::int64_t dim : order) {
    packed[static_cast<int>(dim)] = step;
    step *= std::max<std::int64_t>(t.size(static_cast<int>(dim)), 1);
  }
  return packed;
}

// A distance between elements in the base's memory as the distance in the packed block: a sum of whole steps along the base's
// dimensions, the widest first, as often as it goes.
std::int64_t packed_distance(std::int64_t distance, const Tensor& base, const Dims& packed) {
  std::int64_t result = 0;
  for (std::int64_t below = INT64_MAX; distance != 0;) {
    int widest = -1;
    for (int i = 0; i < base.ndim(); ++i)
      if (base.size(i) > 1 && packed[i] < below && (widest < 0 || packed[i] > packed[widest])) widest = i;
    if (widest < 0) fail<RuntimeError>("a view does not lie on the elements of its base of shape ", base.shape());
    below = packed[widest];
    result += distance / base.strides()[widest] * packed[widest];
    distance %= base.strides()[widest];
  }
  return result;
}

// The view's place in its base, as gradients of the base are stored for it.
Placement place_in_base(const Tensor& view) {
  const Tensor& base = view.body()->base;
  const std::int64_t offset = (view.bytes() - base.bytes()) / item_size(base.dtype());
  if (base.is_contiguous()) return {base.shape(), view.shape(), view.strides(), offset};
  const Dims packed = packed_strides(base);
  Dims strides = view.strides();
  for (int i = 0; i < view.ndim(); ++i) strides[i] = view.size(i) > 1 ? packed_distance(strides[i], base, packed) : 0;
  return {base.shape(), view.shape(), strides, packed_distance(offset, base, packed), packed};
}

// The base's new values are the old ones, but for the view's, which are the gate's result.
class ReplaceView final : public Node {
 public:
  explicit ReplaceView(const Placement& placement) : placement_(placement) {}
  const char* name() const override { return "CopySlicesBackward"; }
  void backward(Flow& flow) override {
    if (flow.needs(0)) flow.downstream(0, clear(flow.upstream(), placement_));
    if (flow.needs(1)) flow.downstream(1, take(flow.upstream(), placement_));
  }
  Tensors forward(const Replay& in) const override {
    return {record(replaced(in[0], placement_, in[1]), new ReplaceView(placement_), in[0], in[1])};
  }
  Text text(const Text* in) const override { return replaced_text(in[0], placement_, in[1]); }

 private:
  Placement placement_;
};

// New values that no gradient flows to; zeros flow to the old ones.
class Overwrite final : public Node {
 public:
  Overwrite(const Dims& shape, DType dtype) : shape_(shape), dtype_(dtype) {}
  const char* name() const override { return "FillBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, zeros(shape_, dtype_)); }
  Tensors forward(const Replay& in) const override {
    return {record(in[1].alias(), new Overwrite(shape_, in.type(dtype_)), in[0], in[1])};
  }
  Text text(const Text* in) const override { return in[1]; }

 private:
  Dims shape_;
  DType dtype_;
};

// Gives the target its new place in the graph, and the hook that keeps its gradient, if it has one, with it.
void become_output(const Tensor& target, Ref<Node> node, std::uint32_t output) {
  record_output(target, std::move(node), output);
  GraphRecord* record = target.body()->record.get();
  if (!record || !record->retained_in) return;
  record->retained_in->forget(target.body());
  record->retained_in = &hooks_of(target);
  record->retained_in->retain(output, target.body());
}

// A constant in the base's memory would change with it, and the gate could not be run again.
Tensor lasting(const Tensor& value, const Tensor& base) {
  return value.storage() == base.storage() && !value.requires_grad() ? clone_unrecorded(value) : value;
}

void replace_base(const Tensor& base, const Tensor& result) {
  if (!base.requires_grad() && !result.requires_grad()) return;
  if (result.requires_grad()) {
    const Ref<Node> node = gradient_node(result);
    KeptTensor::let_go(base);
    become_output(base, node, result.body()->node ? result.body()->output : 0);
  } else {
    Ref<Node> node(new Overwrite(base.shape(), base.dtype()));
    node->add_input(before_change(base));
    node->add_input(lasting(result, base));
    KeptTensor::let_go(base);
    become_output(base, std::move(node), 0);
  }
  ++base.body()->history;
}

void replace_in_base(const Tensor& view, const Tensor& result) {
  const Tensor& base = view.body()->base;
  if (!base.requires_grad() && !result.requires_grad()) return;
  Ref<Node> node(new ReplaceView(place_in_base(view)));
  node->add_input(before_change(base));
  node->add_input(lasting(result, base));
  KeptTensor::let_go(base);
  become_output(base, std::move(node), 0);
  ++base.body()->history;
}

void check_distinct(const char* operation, const Tensor& target) {
  for (int i = 0; i < target.ndim(); ++i)
    if (target.strides()[i] == 0 && target.size(i) > 1)
      fail<RuntimeError>(operation, ": more than one element of the written-to tensor of shape ", target.shape(),
                         " refers to a single memory location; clone() it first");
}

}  // namespace

Tensor as_view_of(const Tensor& x, Tensor view) {
  if (!grad_enabled()) return view;
  refresh_view(x);
  const Tensor& base = x.body()->base.defined() ? x.body()->base : x;
  view.body()->history = base.body()->history;
  view.body()->base = base;
  return view;
}

void refresh_stale_view(const Tensor& t) {
  const Tensor& base = t.body()->base;
  t.body()->history = base.body()->history;
  if (!base.requires_grad()) return;
  const Placement placement = place_in_base(t);
  const Tensor taken = record_take(t.alias(), base, placement);
  become_output(t, taken.body()->node, 0);
}

void leave_base(const Tensor& view) {
  if (!view.body()->base.defined()) return;
  KeptTensor::let_go(view.body()->base);
  view.body()->base = Tensor();
}

void detach_in_place(const Tensor& t) {
  TensorBody& body = *t.body();
  if (body.base.defined()) fail<RuntimeError>("detach_: a view cannot be detached in place; use detach()");
  KeptTensor::let_go(t);
  if (body.record && body.record->retained_in) std::exchange(body.record->retained_in, nullptr)->forget(&body);
  record_output(t, Ref<Node>());
  body.requires_grad = false;
}

void check_writable(const char* operation, const Tensor& target) {
  check_distinct(operation, target);
  if (!grad_enabled()) return;
  if (target.is_leaf() && target.requires_grad())
    fail<RuntimeError>(operation, ": a leaf Variable that requires grad is being used in an in-place operation; write under no_grad()");
  const Tensor& base = target.body()->base;
  if (!base.defined()) return;
  if (base.is_leaf() && base.requires_grad())
    fail<RuntimeError>(operation,
                       ": a view of a leaf Variable that requires grad is being used in an in-place operation; write under no_grad()");
  check_distinct(operation, base);
}

Tensor before_change(const Tensor& target) {
  refresh_view(target);
  return record_output(target.alias(), target.body()->node, target.body()->output);
}

void keep_if_saved(const Tensor& before) {
  TensorBody& body = *before.body();
  if (body.refs == 1) return;
  const Tensor copy = clone_unrecorded(before);
  copy.storage()->version = before.version();
  body.storage = copy.storage();
  body.data = copy.bytes();
  body.strides = copy.strides();
  body.contiguous = copy.is_contiguous();
}

void become(const Tensor& target, const Tensor& result) {
  if (target.body()->base.defined())
    replace_in_base(target, result);
  else
    replace_base(target, result);
}

void replace(const char* operation, const Tensor& target, const Tensor& result) {
  check_writable(operation, target);
  if (!(result.shape() == target.shape()))
    fail<RuntimeError>(operation, ": the result of shape ", result.shape(), " does not fit the tensor of shape ", target.shape(),
                       " that is changed in place");
  if (kind(result.dtype()) > kind(target.dtype()))
    fail<RuntimeError>(operation, ": result type ", result.dtype(), " can't be cast to the desired output type ", target.dtype());
  const Tensor value = cast(result, target.dtype());
  // A result that lies elsewhere in the target's memory, as in x[1:] = x[:-1], must be read before it is overwritten.
  if (value.bytes() != target.bytes() || !(value.strides() == target.strides()))
    copy_elements(target, may_overlap(value, target) ? clone_unrecorded(value) : value);
  target.bump_version();
  if (grad_enabled()) become(target, value);
}

}  // namespace gradgate
