// Take, Place and Put: the gates on elements at positions.
#pragma once

#include "array/positions.h"
#include "graph/engine/gate.h"

namespace gradgate {

// Positions given by tensors (int32 or int64), which are inputs of the gates that use them.
struct IndexTensors {
  Indexing how;
  Tensors index;

  // Of what they select from a tensor of this shape. Throws IndexError when the index tensors do not broadcast.
  Dims selection(const Dims& shape) const;
};

// Whole slices at the positions along one dimension, whatever the index's shape.
IndexTensors slices_at(int dim, const Tensor& index, bool from_end = false);
// One element for each of the index's, which has as many dimensions as the tensor: at the index along `dim`, at its own place elsewhere.
IndexTensors elements_at(int dim, const Tensor& index, bool from_end = false);

extern const GateKind kIndex, kPlace;

// The elements of x at the positions, copied. Throws IndexError for positions out of range, as the functions below do before they write.
// The kinds name the gate and its adjoint.
Tensor take(const Tensor& x, const IndexTensors& at, const GateKind& kind = kIndex, const GateKind& adjoint = kPlace);

// The adjoint: a tensor of this shape with the values, whose shape is at.selection(shape), at the positions and zeros elsewhere. Values
// for one element are added, in the order of the values.
Tensor place(const Tensor& values, const Dims& shape, const IndexTensors& at, const GateKind& kind = kPlace,
             const GateKind& adjoint = kIndex);

// Writing values to positions: added to the elements in the order of the values, or in place of them, the last one for an element staying.
struct Put {
  const char* operation;  // named in errors
  const GateKind& kind;
  bool accumulate;
};
// The values broadcast to at.selection(x.shape()) and have x's type; numbers take it.
struct Assignment {
  IndexTensors at;
  Tensor values;
  Put how;
};
// x with the values at the positions.
Tensor put(const Tensor& x, const Assignment& assignment);
// The same, written to the target and recorded as its new value.
void put_into(const Tensor& target, const Assignment& assignment);

}  // namespace gradgate
