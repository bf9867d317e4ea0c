// The gates that gather elements by their positions and scatter values to them.
#pragma once

#include <vector>

#include "graph/tensor.h"

namespace gradgate {

// Positions along one dimension of a tensor.
struct IndexedDim {
  int dim;
  int named;     // the dimension as errors call it
  Tensor index;  // int32 or int64
  bool counts = false;  // the index is 0, 1, 2, ... along one dimension
};

// Elements of a tensor by their positions along some of its dimensions; the index tensors broadcast together to a shape B. What they
// select has the tensor's shape with B in place of those dimensions when they are neighbours, and in front of the rest otherwise.
struct Positions {
  std::vector<IndexedDim> dims;  // ascending
  bool from_end = true;          // negative positions count from the end

  // Of what they select from a tensor of this shape. Throws IndexError when the index tensors do not broadcast.
  Dims selection(const Dims& shape) const;
};

// The elements of x at the positions, copied. Throws IndexError for positions out of range, as the functions below do before they write.
Tensor take(const Tensor& x, const Positions& at, const char* gate = "IndexBackward");

// A tensor of this shape with the values, whose shape is at.selection(shape), at the positions and zeros elsewhere. Values for one element
// are added, in the order of the values.
Tensor place(const Tensor& values, const Dims& shape, const Positions& at, const char* gate = "PlaceBackward");

// x with values, which broadcast to at.selection(x.shape()), at the positions: added to the elements in the order of the values, or in
// place of them, the last one for an element staying. The types are equal. `operation` is named in errors, `gate` in the graph.
struct Put {
  const char* operation;
  const char* gate;
  bool accumulate;
};
Tensor put(const Tensor& x, const Positions& at, const Tensor& values, const Put& how);
// The same, written to the target and recorded as its new value.
void put_into(const Tensor& target, const Positions& at, const Tensor& values, const Put& how);

}  // namespace gradgate
