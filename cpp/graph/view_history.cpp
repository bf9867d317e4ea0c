// In-place changes seen through views.
#include "graph/view_history.h"

#include "graph/copy.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/placement.h"

namespace gradgate {
namespace {

// The view's place in its base, which must be row-major for the place to be one in the gradient, too.
Placement place_in_base(const char* operation, const Tensor& view) {
  const Tensor& base = view.body()->base;
  if (!base.is_contiguous())
    fail<RuntimeError>(operation, ": cannot change a view of a tensor that is not contiguous (shape ", base.shape(), ", strides ",
                       base.strides(), ") while its graph is recorded; call .contiguous() on it first");
  return {base.shape(), view.shape(), view.strides(), (view.bytes() - base.bytes()) / item_size(base.dtype())};
}

// The base's new values are the old ones, but for the view's, which are the gate's result.
class ReplaceView final : public Node {
 public:
  explicit ReplaceView(const Placement& placement) : placement_(placement) {}
  const char* name() const override { return "CopySlicesBackward"; }
  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    const Tensor in_view = take(dy, placement_);
    if (flow.needs(0)) flow.downstream(0, dy - place(in_view, placement_));
    if (flow.needs(1)) flow.downstream(1, in_view);
  }

 private:
  Placement placement_;
};

void replace_in_base(const char* operation, const Tensor& view, const Tensor& result) {
  const Tensor& base = view.body()->base;
  refresh_view(base);
  if (!base.requires_grad() && !result.requires_grad()) return;
  auto* node = new ReplaceView(place_in_base(operation, view));
  Ref<Node> ref(node);
  node->add_input(before_change(base));
  node->add_input(result);
  record_output(base, std::move(ref));
  ++base.body()->history;
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
  record_output(t, {});
  if (base.requires_grad()) record_take(t, base, place_in_base("backward", t));
}

void check_writable(const char* operation, const Tensor& target) {
  const Tensor& base = target.body()->base;
  if (grad_enabled()) {
    if (target.is_leaf() && target.requires_grad())
      fail<RuntimeError>(operation, ": a leaf Variable that requires grad is being used in an in-place operation; write under no_grad()");
    if (base.defined() && base.is_leaf() && base.requires_grad())
      fail<RuntimeError>(operation,
                         ": a view of a leaf Variable that requires grad is being used in an in-place operation; write under no_grad()");
  }
  for (int i = 0; i < target.ndim(); ++i)
    if (target.strides()[i] == 0 && target.size(i) > 1)
      fail<RuntimeError>(operation, ": more than one element of the written-to tensor of shape ", target.shape(),
                         " refers to a single memory location; clone() it first");
}

Tensor before_change(const Tensor& target) {
  Tensor copy = target.alias();
  refresh_view(target);
  copy.body()->node = target.body()->node;
  copy.body()->output = target.body()->output;
  return copy;
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
  if (value.storage() != target.storage())
    copy_elements(target, value);
  else if (value.bytes() != target.bytes() || !(value.strides() == target.strides()))
    copy_elements(target, clone_unrecorded(value));
  target.bump_version();
  if (!grad_enabled()) return;
  if (target.body()->base.defined()) {
    replace_in_base(operation, target, value);
  } else {
    record_output(target, value.body()->node, value.body()->output);
    ++target.body()->history;
  }
}

}  // namespace gradgate
