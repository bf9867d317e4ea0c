// Reductions: which kernel rule applies, and the nodes.
#include "graph/reduce.h"

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/view.h"
#include "kernels/reduce.h"

namespace gradgate {
namespace {

// A reduction over some dimensions, brought to one of two forms: (outer, rows, columns) reduced over rows where the reduced
// dimensions lie together before the last kept ones, or consecutive rows where they come last. The form depends on the logical
// shape alone, never on memory, so that the order of the sums does not either.
struct Arrangement {
  Tensor x;  // contiguous
  std::int64_t outer, reduced, columns;
};

Dims kept_shape(const Dims& shape, const Dims& dims, bool keepdim) {
  Dims kept;
  for (int i = 0; i < shape.size(); ++i) {
    if (!dims.contains(i))
      kept.push_back(shape[i]);
    else if (keepdim)
      kept.push_back(1);
  }
  return kept;
}

Arrangement arrange(const Tensor& x, const Dims& dims) {
  std::int64_t sizes[3] = {1, 1, 1};
  int part = 0;
  bool together = true;
  for (int i = 0; i < x.ndim(); ++i) {
    const bool reduced = dims.contains(i);
    if (reduced && part == 0) part = 1;
    if (!reduced && part == 1) part = 2;
    if (reduced && part == 2) together = false;
    sizes[part] *= x.size(i);
  }
  if (together) return {contiguous(x), sizes[0], sizes[1], sizes[2]};
  Dims order;
  for (int i = 0; i < x.ndim(); ++i)
    if (!dims.contains(i)) order.push_back(i);
  const int kept = order.size();
  for (std::int64_t d : dims) order.push_back(d);
  const Tensor moved = contiguous(permute(x, order));
  Arrangement a{moved, 1, 1, 1};
  for (int i = 0; i < moved.ndim(); ++i) (i < kept ? a.outer : a.reduced) *= moved.size(i);
  return a;
}

Tensor run(Reduction reduction, const Tensor& x, const Dims& dims, bool keepdim) {
  Tensor out = Tensor::empty(kept_shape(x.shape(), dims, keepdim), x.dtype());
  const Arrangement a = arrange(detach(x), dims);
  visit_floating("sum", x.dtype(), [&]<class T>() {
    if (a.columns == 1)
      reduce_rows<T>(reduction, a.outer, a.reduced, a.x.data<T>(), out.data<T>());
    else
      reduce_columns<T>(reduction, a.outer, a.reduced, a.columns, a.x.data<T>(), out.data<T>());
  });
  return out;
}

class Sum final : public Node {
 public:
  Sum(const Dims& shape, const Dims& dims) : shape_(shape), dims_(dims) {}
  const char* name() const override { return "SumBackward"; }
  void backward(Flow& flow) override {
    flow.downstream(0, expand(reshape(flow.upstream(), kept_shape(shape_, dims_, true)), shape_));
  }

 private:
  Dims shape_, dims_;
};

Dims all_dims(const Tensor& x) {
  Dims dims;
  for (int i = 0; i < x.ndim(); ++i) dims.push_back(i);
  return dims;
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim) {
  const Dims reduced = dims.empty() ? all_dims(x) : dims;
  Tensor out = run(Reduction::sum, x, reduced, keepdim);
  return records(x) ? record(std::move(out), new Sum(x.shape(), reduced), x) : out;
}

}  // namespace gradgate
