// Padding, whose gradient is padding by the negative counts.
#include "graph/choosing/pad.h"

#include <algorithm>
#include <limits>
#include <string>

#include "array/rearrangement.h"
#include "graph/choosing/selection.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/shapes/conversion.h"

namespace gradgate {
namespace {

const GateKind kPad("constant_pad_nd");

Dims negated(Dims counts) {
  for (int i = 0; i < counts.size(); ++i) counts[i] = -counts[i];
  return counts;
}

std::int64_t padded_size(std::int64_t size, std::int64_t before, std::int64_t after) {
  return size_sum("pad", size_sum("pad", size, before), after);
}

class Pad final : public Gate {
 public:
  Pad(const Dims& before, const Dims& after, double value) : before_(before), after_(after), value_(value) {}
  const GateKind& kind() const override { return kPad; }
  void infer(const Inputs& in, Plan& plan) const override {
    Dims shape = in[0].shape();
    for (int i = 0; i < shape.size(); ++i) {
      const std::int64_t size = shape[i], b = before_[i], a = after_[i];
      if (padded_size(size, std::min<std::int64_t>(b, 0), std::min<std::int64_t>(a, 0)) < 0)
        fail<RuntimeError>("pad: ", b, " and ", a, " elements on dimension ", i, " of shape ", in[0].shape(),
                           " leave a negative size");
      shape[i] = padded_size(size, b, a);
    }
    plan.push_back({{shape, in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override { pad_elements(in[0], before_, after_, number(value_), out[0]); }
  void rule(BackwardContext& c) const override { c.downstream(0, pad(c.upstream(), negated(before_), negated(after_), 0)); }
  Text text(const InputTexts& in) const override {
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
  switch (border) {
    case Border::reflect: return std::max<std::int64_t>(size - 1, 0);
    case Border::replicate: return size > 0 ? std::numeric_limits<std::int64_t>::max() : 0;
    case Border::circular: return size;
  }
  return 0;
}

// The index, in a dimension of this size, of what stands at position i, which may be outside.
std::int64_t source_of(Border border, std::int64_t i, std::int64_t size) {
  switch (border) {
    case Border::reflect: return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
    case Border::replicate: return std::clamp<std::int64_t>(i, 0, size - 1);
    case Border::circular: return i < 0 ? i + size : i >= size ? i - size : i;
  }
  return i;
}

// The indices of what stands along one dimension of x once it is padded.
Tensor sources_along(Border border, const Tensor& x, int dim, std::int64_t before, std::int64_t after) {
  const auto check = [&](bool fits) {
    if (!fits)
      fail<RuntimeError>("pad: ", before, " and ", after, " elements do not fit around dimension ", dim, " of shape ", x.shape(),
                         "; 'reflect' takes fewer than the dimension has, 'circular' as many as are left, and something must be left");
  };
  std::int64_t first = 0, size = x.size(dim);
  check(std::min(before, after) >= -size);
  const std::int64_t length = padded_size(size, before, after);
  if (border == Border::circular) {
    // What is cropped is not there to go round to; for the others it is still mirrored or repeated.
    first = std::max<std::int64_t>(-before, 0);
    size += std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0);
  }
  check(length > 0 && std::max(before, after) <= most_on_a_side(border, size));
  const std::int64_t start = first ? 0 : before;  // where the first of `size` elements comes to stand
  const Tensor index = Tensor::empty({length}, DType::int64);
  for (std::int64_t i = 0; i < length; ++i) index.data<std::int64_t>()[i] = first + source_of(border, i - start, size);
  return index;
}

}  // namespace

Tensor pad(const Tensor& x, const Dims& before, const Dims& after, double value) { return evaluate(Pad(before, after, value), x); }

Tensor pad_with_own(Border border, const Tensor& x, const Dims& before, const Dims& after) {
  Tensor result = x;
  for (int dim = 0; dim < x.ndim(); ++dim)
    if (const std::int64_t b = before[dim], a = after[dim]; b != 0 || a != 0)
      result = index_select(result, dim, sources_along(border, result, dim, b, a));
  return result.same(x) ? clone(x) : result;
}

}  // namespace gradgate
