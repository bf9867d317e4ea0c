// take_along_dim and its adjoint.
#pragma once

#include "graph/engine/phrase.h"

namespace gradgate {

// out[..., i, ...] = x[..., index[..., i, ...], ...] along `dim`; index has x's other sizes and counts from the start. Throws IndexError.
Tensor pick(const Tensor& x, int dim, const Tensor& index);
// The adjoint: a tensor of size `size` along `dim`, zero but for the elements of x, which add where index says, in ascending order.
Tensor spread(const Tensor& x, int dim, const Tensor& index, std::int64_t size);

struct ValuesAndIndices {
  Tensor values, indices;
};

// Gates that choose elements along a dimension have one output in the graph, the values, and plan the indices (int64) behind it, which
// they save: a change of the indices before backward is noticed.
inline constexpr Saved kSavedIndices{0, 1u << 1};
template <class G>
ValuesAndIndices choose_along(const G& gate, const Tensor& x) {
  Results results;
  evaluate(gate, {&x, 1}, results);
  return {std::move(results[0]), std::move(results[1])};
}

// Their rule: the upstream gradient goes where the saved indices point along `dim`, which the values may lack. A trace writes the indices,
// with the dimension kept, as words(texts of the inputs).
void send_to_picked(BackwardContext& context, int dim, Phrase::Words words);

// The rule of gates whose value over `dims` is one of their input's elements, and which save that input and the output: the elements that
// equal the value share its gradient evenly.
void share_among_equal(BackwardContext& context, const Dims& dims);

}  // namespace gradgate
