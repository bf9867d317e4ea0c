// Assignment and its gate, and the replacing of a tensor's data.
#include "graph/shapes/assign.h"

#include "array/copy.h"
#include "gates/text.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"

namespace gradgate {
namespace {

const GateKind kCopy("copy");

// A gate of its own: the target must not take over the node of a leaf or share the source's.
class Copy final : public Gate {
 public:
  const GateKind& kind() const override { return kCopy; }
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{in[0].shape(), in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override { copy_elements(out[0], in[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, c.take_upstream()); }
  Text text(const InputTexts& in) const override { return in[0]; }
};

}  // namespace

void assign(const char* operation, const Tensor& target, const Tensor& source) {
  check_writable(operation, target);
  if (source.same(target)) return;
  if (source.is_number()) check_fits(operation, source, target.dtype());
  const Tensor value = expand(cast(source, target.dtype()), target.shape());
  overwrite(operation, target, recorded(value.alias(), Copy(), value));
}

void set_data(const Tensor& target, const Tensor& source) {
  if (is_floating(source.dtype()) != is_floating(target.dtype()) && target.requires_grad())
    fail<RuntimeError>("set_data: a tensor that requires a gradient cannot take the data of a ", source.dtype(), " tensor");
  show_other_data(target, source);
}

}  // namespace gradgate
