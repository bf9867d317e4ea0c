// Sums of gradients, in flight and in the leaves.
#include "graph/accumulate.h"

#include "base/host.h"
#include "graph/copy.h"
#include "graph/elementwise.h"
#include "graph/formula.h"

namespace gradgate {

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
  Tensor& grad = record_of(leaf).grad;
  if (grad.defined()) {
    if (create_graph || !is_dense(grad)) {  // elements that share memory cannot be added to one by one
      grad = grad + gradient;
    } else {
      add_into(grad, gradient);
      grad.bump_version();
    }
  } else if (create_graph || (gradient.sole_owner() && is_dense(gradient))) {
    grad = std::move(gradient);
  } else {
    grad = clone_unrecorded(gradient);
  }
}

}  // namespace gradgate
