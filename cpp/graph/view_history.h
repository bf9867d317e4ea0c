// Keeps the graph right when memory that several tensors show is changed in place.
//
// A view remembers its base. An in-place gate on a view becomes a gate on the base, which places the new values in
// the base's old ones; every other view of that base makes itself a new node from the base when it is next used.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

// Marks `view` as showing x's memory, when gates are being recorded.
Tensor as_view_of(const Tensor& x, Tensor view);

void refresh_stale_view(const Tensor& t);

// Gives a view whose base was changed in place its new node.
inline void refresh_view(const Tensor& t) {
  const Tensor& base = t.body()->base;
  if (base.defined() && base.body()->history != t.body()->history) refresh_stale_view(t);
}

// Makes a view a tensor in its own right, which in-place gates on the base no longer reach.
void leave_base(const Tensor& view);

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

// Writes the result of a gate to the target, of the same shape, and makes the target the result in the graph too.
void replace(const char* operation, const Tensor& target, const Tensor& result);

}  // namespace gradgate
