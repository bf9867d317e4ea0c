// The checks on values saved for backward.
#include "graph/saved_tensor.h"

namespace gradgate {

Tensor SavedTensor::unpack(Node& gate) const {
  if (gate.released())
    fail<RuntimeError>(gate.name(), ": trying to backward through the graph a second time, but its saved values were already freed; "
                       "specify retain_graph=True in the first backward()");
  const Tensor& t = tensor_.get();
  if (!t.defined()) return t;
  if (t.version() != version_)
    fail<RuntimeError>(gate.name(), ": one of the variables needed for gradient computation has been modified by an inplace operation: ",
                       is_output_ ? "the gate's output" : "an input of the gate", ", ", t.dtype(), " of shape ", t.shape(),
                       ", is at version ", t.version(), "; expected version ", version_,
                       ". Use the operation that is not in place, or change a clone()");
  if (!is_output_ || !grad_enabled()) return t;
  return record_output(t.alias(), Ref<Node>(&gate));
}

}  // namespace gradgate
