// Sums of gradients, in flight and in the leaves.
#include "graph/backward/accumulate.h"

#include "base/host.h"
#include "array/copy.h"
#include "array/elementwise.h"
#include "graph/elementwise/elementwise.h"

namespace gradgate {
namespace {

// Whether the gradient lies in memory as its leaf does, so that both look alike through view(-1); a leaf with gaps has a row-major one.
bool has_layout_of(const Array& gradient, const Array& leaf) {
  if (leaf.is_contiguous() || !is_dense(leaf)) return gradient.is_contiguous();
  for (int i = 0; i < leaf.ndim(); ++i)
    if (leaf.size(i) > 1 && leaf.strides()[i] != gradient.strides()[i]) return false;
  return true;
}

}  // namespace

void add_gradient(Tensor& sum, Tensor dx, bool create_graph) {
  if (!sum.defined()) {
    sum = std::move(dx);
  } else if (!create_graph && sum.sole_owner() && sum.is_contiguous() && sum.dtype() == dx.dtype()) {
    add_into(sum, dx);
  } else if (!create_graph && dx.sole_owner() && dx.is_contiguous() && sum.dtype() == dx.dtype()) {
    add_into(dx, sum);  // addition commutes, so that the bits are the same
    sum = std::move(dx);
  } else {
    sum = sum + dx;
  }
}

void accumulate_gradient(const Tensor& leaf, Tensor gradient, bool create_graph) {
  const UndividedWork work;  // several threads may add to one parameter's gradient
  if (!leaf.body()->requires_grad) return;  // frozen since the forward pass
  if (!(gradient.shape() == leaf.shape()) || gradient.dtype() != leaf.dtype())
    fail<RuntimeError>("backward: a gradient of ", gradient.dtype(), " and shape ", gradient.shape(), " arrived at a leaf of ",
                       leaf.dtype(),
                       " and shape ", leaf.shape(), ", whose .data was replaced since the forward pass; run the forward pass again");
  Tensor& grad = record_of(leaf).grad;
  if (grad.defined() && (!(grad.shape() == gradient.shape()) || grad.dtype() != gradient.dtype()))
    fail<RuntimeError>("backward: the .grad of ", grad.dtype(), " and shape ", grad.shape(), " cannot take a gradient of ",
                       gradient.dtype(), " and shape ", gradient.shape(),
                       "; after replacing .data by another shape or type set .grad = None, as zero_grad() does");
  if (grad.defined()) {
    if (create_graph || !is_dense(grad)) {  // elements that share memory cannot be added to one by one
      grad = grad + gradient;
    } else {
      add_into(grad, gradient);
      grad.bump_version();
    }
  } else if (create_graph || (gradient.sole_owner() && has_layout_of(gradient, leaf))) {
    grad = std::move(gradient);
  } else {
    grad = Tensor(empty_like(leaf));
    copy_elements(grad, gradient);
  }
}

}  // namespace gradgate
