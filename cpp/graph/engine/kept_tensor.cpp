// Detaches kept tensors from one that is about to be modified.
#include "graph/engine/kept_tensor.h"

namespace gradgate {

void KeptTensor::let_go(const Tensor& base) {
  while (KeptTensor* kept = base.body()->kept) {
    const TensorBody& body = *kept->tensor_.body();
    Tensor own = kept->tensor_.alias();
    own.body()->node = body.node;
    own.body()->output = body.output;
    *kept = KeptTensor(std::move(own));
  }
}

}  // namespace gradgate
