// Parting kept tensors from one that is about to change.
#include "graph/kept_tensor.h"

#include "graph/node.h"

namespace gradgate {

void KeptTensor::let_go(const Tensor& base) {
  while (KeptTensor* kept = base.body()->kept) {
    const TensorBody& body = *kept->tensor_.body();
    *kept = KeptTensor(record_output(kept->tensor_.alias(), body.node, body.output));
  }
}

}  // namespace gradgate
