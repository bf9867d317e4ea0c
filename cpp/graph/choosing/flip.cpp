// Reversing and rotating, with the gate of the former.
#include "graph/choosing/flip.h"

#include "array/rearrangement.h"
#include "graph/choosing/selection.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/shapes/conversion.h"

namespace gradgate {
namespace {

const GateKind kFlip("flip");

class Flip final : public Gate {
 public:
  explicit Flip(const Dims& dims) : dims_(dims) {}
  const GateKind& kind() const override { return kFlip; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{in[0].shape(), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override { reverse_elements(in[0], dims_, out[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, flip(c.upstream(), dims_)); }
  Text text(const InputTexts& in) const override {
    if (in.ndim() == 0) return method_text(in[0], ".copy()");
    return called("np.flip", in[0], Text(cat("axis=", tuple_text(dims_)), Binding::atom));
  }

 private:
  Dims dims_;
};

}  // namespace

Tensor flip(const Tensor& x, const Dims& dims) { return evaluate(Flip(dims), x); }

Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims) {
  Tensor rolled = x.numel() == 0 || x.ndim() == 0 || dims.empty() ? clone(x) : x;
  for (int i = 0; x.numel() > 0 && x.ndim() > 0 && i < dims.size(); ++i) {
    const std::int64_t size = x.size(static_cast<int>(dims[i]));
    const std::int64_t shift = (shifts[i] % size + size) % size;
    const Tensor from = Tensor::empty({size}, DType::int64);
    for (std::int64_t j = 0; j < size; ++j) from.data<std::int64_t>()[j] = j < shift ? j - shift + size : j - shift;
    rolled = index_select(rolled, dims[i], from);
  }
  return rolled;
}

}  // namespace gradgate
