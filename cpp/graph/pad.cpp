// Padding, whose gradient is padding by the negative counts.
#include "graph/pad.h"

#include <algorithm>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"

namespace gradgate {
namespace {

Dims negated(Dims counts) {
  for (int i = 0; i < counts.size(); ++i) counts[i] = -counts[i];
  return counts;
}

class Pad final : public Node {
 public:
  Pad(const Dims& before, const Dims& after) : before_(before), after_(after) {}
  const char* name() const override { return "ConstantPadNdBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, pad(flow.upstream(), negated(before_), negated(after_), 0)); }

 private:
  Dims before_, after_;
};

}  // namespace

Tensor pad(const Tensor& x, const Dims& before, const Dims& after, double value) {
  Dims shape = x.shape(), kept = x.shape();
  for (int i = 0; i < x.ndim(); ++i) {
    shape[i] = size_sum("pad", size_sum("pad", x.size(i), before[i]), after[i]);
    kept[i] = x.size(i) + std::min<std::int64_t>(before[i], 0) + std::min<std::int64_t>(after[i], 0);
    if (shape[i] < 0)
      fail<RuntimeError>("pad: ", before[i], " and ", after[i], " elements on dimension ", i, " of shape ", x.shape(),
                         " leave a negative size");
    kept[i] = std::max<std::int64_t>(kept[i], 0);
  }
  Tensor out = full(shape, value, x.dtype());
  if (kept.product() > 0) {
    std::int64_t to = 0, from = 0;
    for (int i = 0; i < x.ndim(); ++i) {
      to += std::max<std::int64_t>(before[i], 0) * out.strides()[i];
      from += std::max<std::int64_t>(-before[i], 0) * x.strides()[i];
    }
    copy_elements(out.alias(kept, out.strides(), to), x.alias(kept, x.strides(), from));
  }
  return records(x) ? record(std::move(out), new Pad(before, after), x) : out;
}

}  // namespace gradgate
