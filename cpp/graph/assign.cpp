// Assignment and its node.
#include "graph/assign.h"

#include <algorithm>

#include "gates/text.h"
#include "graph/copy.h"
#include "graph/node.h"
#include "graph/view.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

class Copy final : public Node {
 public:
  const char* name() const override { return "CopyBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, flow.take_upstream()); }
  Tensors forward(const Replay& in) const override { return {recorded(in[0])}; }
  Text text(const Text* in) const override { return in[0]; }

  static Tensor recorded(const Tensor& value) { return record(value.alias(), new Copy, value); }
};

}  // namespace

void assign(const char* operation, const Tensor& target, const Tensor& source) {
  check_writable(operation, target);
  if (source.same(target)) return;
  if (source.is_number()) check_fits(operation, source, target.dtype());
  const Tensor value = expand(cast(source, target.dtype()), target.shape());
  // A gate of its own: the target must not take over the node of a leaf or share the source's.
  replace(operation, target, records(value) ? Copy::recorded(value) : value.alias());
}

void set_data(const Tensor& target, const Tensor& source) {
  TensorBody& to = *target.body();
  const TensorBody& from = *source.body();
  if (is_floating(from.dtype) != is_floating(to.dtype) && target.requires_grad())
    fail<RuntimeError>("set_data: a tensor that requires a gradient cannot take the data of a ", from.dtype, " tensor");
  // What was saved of the old memory must not be mistaken for the new.
  if (from.storage != to.storage)
    from.storage->version = std::max(from.storage->version, to.storage->version + 1);
  to.dtype = from.dtype;
  to.shape = from.shape;
  to.strides = from.strides;
  to.contiguous = from.contiguous;
  to.numel = from.numel;
  to.data = from.data;
  to.storage = from.storage;
  leave_base(target);
}

}  // namespace gradgate
