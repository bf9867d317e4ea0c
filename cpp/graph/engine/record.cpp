// Recording gates, and the gates behind views and changes in place.
#include "graph/engine/record.h"

#include <utility>

#include "array/copy.h"
#include "gates/text.h"
#include "graph/engine/placement_text.h"

namespace gradgate {
namespace {

const GateKind kAsStrided("as_strided"), kPlace("place"), kClear("clear"), kCopySlices("copy_slices"), kFill("fill");

// A new tensor of the whole's shape, stored as the placement says.
Planned whole_of(const Placement& p, DType dtype) { return {{p.whole, dtype}, layout_of(p)}; }

class TakePart final : public Gate {
 public:
  TakePart(const Placement& p, const GateKind& kind) : placement_(p), kind_(kind) {}
  const GateKind& kind() const override { return kind_; }
  void infer(const Inputs& in, Plan& plan) const override {
    Planned& part = plan.add();
    part.shape = placement_.part;
    part.dtype = in[0].dtype();
    if (!is_stored_as(in[0], placement_)) return;
    part.strides = placement_.strides;
    part.view_of = 0;
    part.offset = placement_.offset;
  }
  void run(const Inputs& in, const Outputs& out) const override { take_part(in[0], placement_, out[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, place_part(c.upstream(), placement_)); }
  Text text(const InputTexts& in) const override { return take_text(in[0], placement_); }

 private:
  Placement placement_;
  const GateKind& kind_;
};

class PlacePart final : public Gate {
 public:
  explicit PlacePart(const Placement& p) : placement_(p) {}
  const GateKind& kind() const override { return kPlace; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back(whole_of(placement_, in[0].dtype())); }
  void run(const Inputs& in, const Outputs& out) const override { place_part(in[0], placement_, out[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, take_part(c.upstream(), placement_)); }
  Text text(const InputTexts& in) const override { return place_text(in[0], placement_); }

 private:
  Placement placement_;
};

// x with zeros at the part.
class ClearPart final : public Gate {
 public:
  explicit ClearPart(const Placement& p) : placement_(p) {}
  const GateKind& kind() const override { return kClear; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back(whole_of(placement_, in[0].dtype())); }
  void run(const Inputs& in, const Outputs& out) const override {
    replace_part(in[0], placement_, converted(Tensor(0), in[0].dtype()), out[0]);
  }
  void rule(BackwardContext& c) const override { c.downstream(0, evaluate(*this, c.upstream())); }
  Text text(const InputTexts& in) const override { return replaced_text(in[0], placement_, Text(0)); }

 private:
  Placement placement_;
};

// The base's new values are the old ones, but for the view's, which are the second input.
class ReplacePart final : public Gate {
 public:
  explicit ReplacePart(const Placement& p) : placement_(p) {}
  const GateKind& kind() const override { return kCopySlices; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back(whole_of(placement_, in[0].dtype())); }
  void run(const Inputs& in, const Outputs& out) const override { replace_part(in[0], placement_, in[1], out[0]); }
  void rule(BackwardContext& c) const override {
    if (c.needs(0)) c.downstream(0, evaluate(ClearPart(placement_), c.upstream()));
    if (c.needs(1)) c.downstream(1, take_part(c.upstream(), placement_));
  }
  Text text(const InputTexts& in) const override { return replaced_text(in[0], placement_, in[1]); }

 private:
  Placement placement_;
};

// New values that no gradient flows to; zeros flow to the old ones.
class Overwrite final : public Gate {
 public:
  const GateKind& kind() const override { return kFill; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{in[0].shape(), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override { copy_elements(out[0], in[1]); }
  void rule(BackwardContext& c) const override {
    Tensor zero = Tensor::empty(c.input_shape(0), c.input_dtype(0));
    copy_elements(zero, Tensor(0));
    c.downstream(0, std::move(zero));
  }
  Text text(const InputTexts& in) const override { return in[1]; }
};

// Gives the target its new place in the graph, and the hook that keeps its gradient, if it has one, with it.
void become_output(const Tensor& target, Ref<Node> node, std::uint32_t output) {
  GraphRecord* record = target.body()->record.get();
  const bool retains = record && record->retains_grad;
  if (retains)
    if (Node* before = node_of(target); before && before->hooks()) before->hooks()->forget(*record);
  record_output(target, std::move(node), output);
  if (retains) node_of(target)->make_hooks().retain(output, target.body()->record);
}

// A view whose base was changed in place gets its new node.
void refresh_view(const Tensor& view) {
  const Tensor& base = view.body()->base;
  view.body()->history = base.body()->history;
  if (!base.requires_grad()) return;
  const Tensor taken = recorded_part(view.alias(), base, place_in_base(view, base, view.body()->base_bytes), kAsStrided);
  if (taken.body()->node) become_output(view, Ref<Node>(node_of(taken)), 0);
}

// A constant in the base's memory would change with it, and the gate could not be run again.
Tensor lasting(const Tensor& value, const Tensor& base) {
  return value.storage() == base.storage() && !value.requires_grad() ? Tensor(copied(value)) : value;
}

// Whether the base of a view shows other memory by now.
bool is_elsewhere(const Tensor& view) {
  const Tensor& base = view.body()->base;
  return base.defined() && base.bytes() != view.body()->base_bytes;
}

void check_distinct(const char* operation, const Tensor& target) {
  for (int i = 0; i < target.ndim(); ++i)
    if (target.strides()[i] == 0 && target.size(i) > 1)
      fail<RuntimeError>(operation, ": more than one element of the written-to tensor of shape ", target.shape(),
                         " refers to a single memory location; clone() it first");
}

// Makes the base the output of a gate on its old value and the new one.
template <class G>
void change_base(const Tensor& base, const G& gate, const Tensor& value) {
  const Tensor before = before_change(base);
  const Tensor inputs[] = {before, lasting(value, base)};
  Results results;
  results.push_back(base.alias());
  const Ref<Node> node = record(shared(gate), {inputs, 2}, results);
  KeptTensor::let_go(base);
  become_output(base, node, 0);
  ++base.body()->history;
}

}  // namespace

Ref<Node> gradient_node(const Tensor& t) {
  if (t.body()->is_stale()) refresh_view(t);
  if (t.body()->node) return Ref<Node>(node_of(t));
  if (!t.body()->requires_grad) return {};
  Node* const known = record_of(t).accumulator;
  // A leaf whose data was replaced by another shape or type is another leaf to the gates that follow.
  const bool fits = known && known->output_form(0).shape == t.shape() && known->output_form(0).dtype == t.dtype();
  return Ref<Node>(fits ? known : new Node(t));
}

HookList& hooks_of(const Tensor& t) {
  const Ref<Node> node = gradient_node(t);
  if (!node) fail<RuntimeError>("cannot register a hook on a tensor that doesn't require gradient");
  return node->make_hooks();
}

void compute(const Gate& gate, const Inputs& in, Results& results) {
  Plan plan;
  gate.infer(in, plan);
  bool writes = false;
  for (const Planned& p : plan) {
    if (p.view_of >= 0) {
      const Tensor& x = in.tensors[p.view_of];
      results.push_back(as_view_of(x, x.alias(p.shape, p.strides, p.offset)));
    } else {
      writes = true;
      results.push_back(Tensor::empty(p.shape, p.dtype));
      if (!p.strides.empty() && !(p.strides == results[results.size() - 1].strides()))
        results[results.size() - 1] = results[results.size() - 1].alias(p.shape, p.strides);
    }
  }
  if (writes) gate.run(in, {results.begin()});
}

Ref<Node> record(Ref<const Gate> gate, const Inputs& in, Results& results) {
  const Ref<Node> node(new Node(gate));
  unsigned wanted = 0;
  for (int i = 0; i < in.count; ++i) {
    const Tensor& input = in.tensors[i];
    Ref<Node> source = input.defined() ? gradient_node(input) : Ref<Node>();
    if (source && i < 32) wanted |= 1u << i;
    if (source && node_of(input) && !(source->output_form(static_cast<int>(output_of(input))).shape == input.shape()))
      fail<RuntimeError>(gate->kind().name(), ": an input of shape ", input.shape(), " took the place, through .data, of a result of ",
                         source->name(), " of shape ", source->output_form(static_cast<int>(output_of(input))).shape,
                         "; no gradient can flow back from it. Use .detach() of the new values instead");
    node->add_input(input, std::move(source));
  }
  for (int i = 0; i < gate->outputs(); ++i) node->add_output(results[i]);
  const Saved saved = gate->saves(wanted);
  for (int i = 0; i < in.count && i < 32; ++i)
    if (saved.inputs >> i & 1) node->save_input(i, in.tensors[i]);
  for (int i = 0; i < results.size() && i < 32; ++i)
    if (saved.outputs >> i & 1) node->save_output(i, results[i]);
  for (int i = 0; i < gate->outputs(); ++i) {
    record_output(results[i], node, static_cast<std::uint32_t>(i));
    if (gates_watched) [[unlikely]] tell_watchers(results[i]);
  }
  return node;
}

bool records_any(const Inputs& in) {
  if (!grad_enabled()) return false;
  for (int i = 0; i < in.count; ++i)
    if (in.tensors[i].defined() && in.tensors[i].requires_grad()) return true;
  return false;
}

Tensors Gate::replay(const Tensors& inputs) const {
  Results results;
  evaluate(*this, {inputs.data(), static_cast<int>(inputs.size())}, results);
  return Tensors(results.begin(), results.begin() + outputs());
}

Tensor take_part(const Tensor& x, const Placement& p) { return evaluate(TakePart(p, kAsStrided), x); }
Tensor place_part(const Tensor& x, const Placement& p) { return evaluate(PlacePart(p), x); }
Tensor recorded_part(Tensor part, const Tensor& x, const Placement& p, const GateKind& kind) {
  return recorded(std::move(part), TakePart(p, kind), x);
}

Tensor as_view_of(const Tensor& x, Tensor view) {
  if (x.body()->is_stale()) gradient_node(x);
  const Tensor& base = x.body()->base.defined() ? x.body()->base : x;
  view.body()->history = base.body()->history;
  view.body()->layouts = base.body()->layouts;
  view.body()->base = base;
  view.body()->base_bytes = &base == &x ? x.bytes() : x.body()->base_bytes;
  view.body()->viewed_off_graph = !grad_enabled() || x.body()->viewed_off_graph;
  return view;
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
  if (body.record && body.record->retains_grad) {
    if (Node* node = node_of(t); node && node->hooks()) node->hooks()->forget(*body.record);
    body.record->retains_grad = false;
  }
  record_output(t, Ref<Node>());
  body.requires_grad = false;
}

void show_other_data(const Tensor& target, const Array& data) {
  TensorBody& body = *target.body();
  // Gates and views keep the memory that they have seen.
  leave_base(target);
  KeptTensor::let_go(target);
  if (!(body.shape() == data.shape() && body.strides() == data.strides() && body.dtype() == data.dtype())) ++body.layouts;
  body.assign(data);
}

void check_writable(const char* operation, const Tensor& target) {
  check_distinct(operation, target);
  if (is_elsewhere(target)) leave_base(target);
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
  if (target.body()->is_stale()) gradient_node(target);
  return record_output(target.alias(), Ref<Node>(node_of(target)), target.body()->output);
}

void keep_if_saved(const Tensor& before) {
  TensorBody& body = *before.body();
  if (body.refs == 1) return;
  const Array copy = copied(before);
  copy.storage()->version = before.version();
  body.assign(copy);
}

void become(const Tensor& target, const Tensor& result) {
  const Tensor& base = target.body()->base;
  const Tensor& changed = base.defined() ? base : target;
  if (!changed.requires_grad() && !result.requires_grad()) return;
  if (base.defined()) {
    if (target.body()->viewed_off_graph)
      fail<RuntimeError>("a view of shape ", target.shape(), " that was created in no_grad mode is being modified inplace with grad mode "
                         "enabled; its base takes part in the graph. Take the view with grad mode on, or write under no_grad()");
    change_base(base, ReplacePart(place_in_base(target, base, target.body()->base_bytes)), result);
  } else if (result.requires_grad()) {
    const Ref<Node> node = gradient_node(result);
    KeptTensor::let_go(target);
    become_output(target, node, output_of(result));
    ++target.body()->history;
  } else {
    change_base(target, Overwrite(), result);
  }
}

void overwrite(const char* operation, const Tensor& target, const Tensor& result) {
  check_writable(operation, target);
  if (!(result.shape() == target.shape()))
    fail<RuntimeError>(operation, ": the result of shape ", result.shape(), " does not fit the tensor of shape ", target.shape(),
                       " that is changed in place");
  // A result that lies elsewhere in the target's memory, as in x[1:] = x[:-1], must be read before it is overwritten.
  if (result.bytes() != target.bytes() || !(result.strides() == target.strides()))
    copy_elements(target, may_overlap(result, target) ? copied(result) : result.array());
  target.bump_version();
  if (grad_enabled()) become(target, result);
}

}  // namespace gradgate
