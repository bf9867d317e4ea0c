// Applies gates: plans, allocates, runs and records them, also where memory that several tensors show is changed in place.
//
// A view remembers its base. An in-place gate on a view becomes a gate on the base, which places the new values in
// the base's old ones; every other view of that base makes itself a new node from the base when it is next used.
#pragma once

#include "array/placement.h"
#include "graph/engine/node.h"
#include "graph/engine/watcher.h"

namespace gradgate {

// The node behind a tensor: its gate, its leaf's node, or null when no gradient flows there. A view whose base was changed in
// place gets a new node first.
Ref<Node> gradient_node(const Tensor& t);

// The list in which this tensor's hooks live: its gate's, or a leaf's own, so that it outlasts the graph.
HookList& hooks_of(const Tensor& t);

// The outputs of a gate, and behind them what its plan adds; off the graph.
using Results = InlineVector<Tensor, 2>;
void compute(const Gate& gate, const Inputs& in, Results& results);

// Makes the gate's outputs those of a new node.
Ref<Node> record(Ref<const Gate> gate, const Inputs& in, Results& results);

// Whether a gate on these inputs is to be recorded.
bool records_any(const Inputs& in);

// The gate to be kept by a node: itself, or a copy of one on the stack.
template <class G>
Ref<const Gate> shared(const G& gate) {
  if constexpr (std::is_abstract_v<G>)
    return Ref<const Gate>(&gate);
  else
    return Ref<const Gate>(gate.refs ? &gate : new G(gate));
}

// Applies a gate; all results.
template <class G>
void evaluate(const G& gate, const Inputs& in, Results& results) {
  compute(gate, in, results);
  if (records_any(in)) record(shared(gate), in, results);
}

// Applies a gate of one output.
template <class G, class... T>
Tensor evaluate(const G& gate, const Tensor& first, const T&... rest) {
  const Tensor inputs[] = {first, rest...};
  Results results;
  evaluate(gate, Inputs{inputs, 1 + static_cast<int>(sizeof...(rest))}, results);
  return std::move(results[0]);
}

// Makes `output`, which was computed elsewhere, the result of a gate where one is to be recorded.
template <class G, class... T>
Tensor recorded(Tensor output, const G& gate, const T&... inputs) {
  if (!records(inputs...)) return output;
  const Tensor list[] = {inputs...};
  Results results;
  results.push_back(std::move(output));
  record(shared(gate), {list, static_cast<int>(sizeof...(inputs))}, results);
  return std::move(results[0]);
}

// The part of x, whose shape is p.whole, as a view where x's memory is laid out as the placement says.
Tensor take_part(const Tensor& x, const Placement& p);
// A tensor of shape p.whole with x at the part and zeros elsewhere; elements that the part shows several times add.
Tensor place_part(const Tensor& x, const Placement& p);
// Makes `part`, a view of x's memory, the result of taking p from x where a gate is to be recorded. Kinds: slice, select, diagonal ...
Tensor recorded_part(Tensor part, const Tensor& x, const Placement& p, const GateKind& kind);

// Marks `view` as showing x's memory.
Tensor as_view_of(const Tensor& x, Tensor view);

// Makes a view a tensor in its own right, which in-place gates on the base no longer reach.
void leave_base(const Tensor& view);

// Makes the tensor show other elements, keeping its place in the graph, its gradient and its hooks; gates keep it as it was.
void show_other_data(const Tensor& target, const Array& data);

// Takes the tensor off the graph; gates keep it as it was. Throws RuntimeError for a view.
void detach_in_place(const Tensor& t);

// Throws RuntimeError when `operation` must not write to the target: a leaf that requires a gradient (or a view of one) while
// gates are recorded, or memory that several elements share.
void check_writable(const char* operation, const Tensor& target);

// The target's value as the input of the gate whose result will replace it: the gate must not hold the target itself, which is
// about to become the gate's output.
Tensor before_change(const Tensor& target);

// Gives `before` memory of its own if the gate saved it for backward: the target's is about to be overwritten.
void keep_if_saved(const Tensor& before);

// Makes the target, which holds the result's values, the result in the graph too.
void become(const Tensor& target, const Tensor& result);

// Writes the result of a gate to the target, of the same shape and type, and makes the target the result in the graph too.
void overwrite(const char* operation, const Tensor& target, const Tensor& result);

}  // namespace gradgate
