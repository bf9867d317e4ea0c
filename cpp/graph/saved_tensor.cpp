// The checks on values saved for backward.
#include "graph/saved_tensor.h"

namespace gradgate {

Tensor SavedTensor::unpack(Node& gate) const {
  if (gate.released())
    fail<RuntimeError>(gate.name(), ": trying to backward through the graph a second time, but its saved values were already freed; "
                       "specify retain_graph=True in the first backward()");
  if (!tensor_.defined()) return tensor_;
  if (tensor_.version() != version_)
    fail<RuntimeError>(gate.name(), ": one of the variables needed for gradient computation has been modified by an inplace operation: ",
                       is_output_ ? "the gate's output" : "an input of the gate", ", ", tensor_.dtype(), " of shape ", tensor_.shape(),
                       ", is at version ", tensor_.version(), "; expected version ", version_,
                       ". Use the operation that is not in place, or change a clone()");
  if (!is_output_ || !grad_enabled()) return tensor_;
  return record_output(tensor_.alias(), Ref<Node>(&gate));
}

}  // namespace gradgate
