// Reversing and rotating, with the gate of the former.
#include "graph/flip.h"

#include "graph/copy.h"
#include "graph/node.h"
#include "graph/selection.h"
#include "graph/trace.h"

namespace gradgate {
namespace {

class Flip final : public Node {
 public:
  explicit Flip(const Dims& dims) : dims_(dims) {}
  const char* name() const override { return "FlipBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, flip(flow.upstream(), dims_)); }
  Tensors forward(const Replay& in) const override { return {flip(in[0], dims_)}; }
  Text text(const Text* in) const override { return called("np.flip", in[0], Text(cat("axis=", tuple_text(dims_)), Binding::atom)); }

 private:
  Dims dims_;
};

}  // namespace

Tensor flip(const Tensor& x, const Dims& dims) {
  Dims strides = x.strides();
  std::int64_t last = 0;
  for (std::int64_t d : dims) {
    const int dim = static_cast<int>(d);
    if (x.numel() > 0) last += (x.size(dim) - 1) * strides[dim];
    strides[dim] = -strides[dim];
  }
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  copy_elements(out, x.alias(x.shape(), strides, last));
  return records(x) ? record(std::move(out), new Flip(dims), x) : out;
}

Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims) {
  Tensor rolled = x.numel() == 0 || dims.empty() ? clone(x) : x;
  for (int i = 0; x.numel() > 0 && i < dims.size(); ++i) {
    const std::int64_t size = x.size(static_cast<int>(dims[i]));
    const Tensor from = Tensor::empty({size}, DType::int64);
    for (std::int64_t j = 0; j < size; ++j) from.data<std::int64_t>()[j] = ((j - shifts[i]) % size + size) % size;
    rolled = index_select(rolled, dims[i], from);
  }
  return rolled;
}

}  // namespace gradgate
