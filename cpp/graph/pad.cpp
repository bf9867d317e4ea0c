// Padding, whose gradient is padding by the negative counts.
#include "graph/pad.h"

#include <algorithm>
#include <limits>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/selection.h"
#include "graph/trace.h"

namespace gradgate {
namespace {

Dims negated(Dims counts) {
  for (int i = 0; i < counts.size(); ++i) counts[i] = -counts[i];
  return counts;
}

class Pad final : public Node {
 public:
  Pad(const Dims& before, const Dims& after, double value) : before_(before), after_(after), value_(value) {}
  const char* name() const override { return "ConstantPadNdBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, pad(flow.upstream(), negated(before_), negated(after_), 0)); }
  Tensors forward(const Replay& in) const override { return {pad(in[0], before_, after_, value_)}; }
  Text text(const Text* in) const override {
    std::string counts, kept;
    bool pads = false, crops = false;
    for (int i = 0; i < before_.size(); ++i) {
      const std::int64_t b = before_[i], a = after_[i];
      pads = pads || b > 0 || a > 0;
      crops = crops || b < 0 || a < 0;
      counts += cat(i ? ", " : "", Dims{std::max<std::int64_t>(b, 0), std::max<std::int64_t>(a, 0)});
      kept += cat(i ? ", " : "", b < 0 ? cat(-b) : "", ":", a < 0 ? cat(a) : "");
    }
    const Text cropped = crops ? method_text(in[0], cat("[", kept, "]")) : in[0];
    if (!pads) return cropped;
    return called("np.pad", cropped, Text(cat("(", counts, before_.size() == 1 ? ",)" : ")"), Binding::atom),
                  Text(cat("constant_values=", Text(value_).code), Binding::atom));
  }

 private:
  Dims before_, after_;
  double value_;
};

// The most elements that can be put on a side of a dimension of this size.
std::int64_t most_on_a_side(Border border, std::int64_t size) {
  if (border == Border::replicate) return size > 0 ? std::numeric_limits<std::int64_t>::max() : 0;
  return border == Border::reflect ? std::max<std::int64_t>(size - 1, 0) : size;
}

// The index, in a dimension of this size, of what stands at position i, which may be outside.
std::int64_t source_of(Border border, std::int64_t i, std::int64_t size) {
  switch (border) {
    case Border::reflect: return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
    case Border::replicate: return std::clamp<std::int64_t>(i, 0, size - 1);
    default: return i < 0 ? i + size : i >= size ? i - size : i;
  }
}

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
  return records(x) ? record(std::move(out), new Pad(before, after, value), x) : out;
}

Tensor pad_with_own(Border border, const Tensor& x, const Dims& before, const Dims& after) {
  Tensor result = x;
  for (int dim = 0; dim < x.ndim(); ++dim) {
    if (before[dim] == 0 && after[dim] == 0) continue;
    const std::int64_t size = x.size(dim), length = before[dim] + size + after[dim];
    if (std::max(before[dim], after[dim]) > most_on_a_side(border, size) || length <= 0)
      fail<RuntimeError>("pad: ", before[dim], " and ", after[dim], " elements do not fit around dimension ", dim, " of shape ", x.shape(),
                         "; 'reflect' takes fewer than the dimension has, 'circular' as many, and something must be left");
    const Tensor index = Tensor::empty({length}, DType::int64);
    for (std::int64_t i = 0; i < length; ++i) index.data<std::int64_t>()[i] = source_of(border, i - before[dim], size);
    result = index_select(result, dim, index);
  }
  return result;
}

}  // namespace gradgate
