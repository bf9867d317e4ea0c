// The pair of gates behind results that are some of their input's elements: picking along a dimension, and spreading back.
#pragma once

#include "graph/tensor.h"

namespace gradgate {

// out[..., i, ...] = x[..., index[..., i, ...], ...] along `dim`; index is int64 with x's other sizes, its values in range.
Tensor pick(const Tensor& x, int dim, const Tensor& index);
// The reverse: a tensor of size `size` along `dim`, zero but for the elements of x, which add where index says, in ascending order.
Tensor spread(const Tensor& x, int dim, const Tensor& index, std::int64_t size);

// How the index was found: given, or from x itself.
struct Choice {
  enum Kind { given, max, min, sort, topk, median };
  Kind kind;
  bool keepdim = true;
  bool descending = false;  // of sort and topk
};

// Makes `values`, which are pick(x, dim, index), the result of the gate that made the choice when gates are recorded. Both may lack the
// dimension `dim` that x has.
Tensor record_pick(Tensor values, Choice choice, const Tensor& x, int dim, const Tensor& index);

}  // namespace gradgate
