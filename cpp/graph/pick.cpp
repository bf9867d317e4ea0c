// Picking and spreading, each the other's gradient.
#include "graph/pick.h"

#include <string>

#include "base/float_environment.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/node.h"
#include "graph/view.h"

namespace gradgate {
namespace {

// The gate's name, "max" -> "MaxBackward".
std::string node_name(const char* operation) {
  std::string name = operation;
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name + "Backward";
}

class Pick final : public Node {
 public:
  Pick(const char* operation, int dim, const Tensor& index, const Dims& shape)
      : name_(node_name(operation)), dim_(dim), index_(index), shape_(shape) {}
  const char* name() const override { return name_.c_str(); }
  void backward(Flow& flow) override {
    const Tensor dy = reshape(flow.upstream(), index_.shape());
    flow.downstream(0, shape_.empty() ? reshape(dy, {}) : spread(dy, dim_, index_, shape_[dim_]));
  }

 private:
  std::string name_;
  int dim_;
  Tensor index_;
  Dims shape_;
};

class Spread final : public Node {
 public:
  Spread(int dim, const Tensor& index) : dim_(dim), index_(index) {}
  const char* name() const override { return "SpreadBackward"; }
  void backward(Flow& flow) override { flow.downstream(0, pick(flow.upstream(), dim_, index_)); }

 private:
  int dim_;
  Tensor index_;
};

// The sizes before and behind a dimension.
struct Around {
  std::int64_t outer = 1, inner = 1;
  Around(const Dims& shape, int dim) {
    for (int i = 0; i < shape.size(); ++i)
      if (i != dim) (i < dim ? outer : inner) *= shape[i];
  }
};

// Calls f(i, j) for every element i of the small tensor, whose index along the dimension says its place j in the large one.
template <class F>
void each_place(const Dims& small, int dim, std::int64_t size, const std::int64_t* index, const F& f) {
  const Around a(small, dim);
  const std::int64_t n = small[dim];
  for (std::int64_t o = 0, i = 0; o < a.outer; ++o)
    for (std::int64_t k = 0; k < n; ++k)
      for (std::int64_t j = 0; j < a.inner; ++j, ++i) f(i, (o * size + index[i]) * a.inner + j);
}

}  // namespace

Tensor pick(const Tensor& x, int dim, const Tensor& index) {
  const Tensor from = contiguous(detach(x)), places = contiguous(index);
  Tensor out = Tensor::empty(index.shape(), x.dtype());
  visit(x.dtype(), [&]<class T>() {
    const T* const values = from.data<T>();
    T* const y = out.data<T>();
    each_place(index.shape(), dim, x.size(dim), places.data<std::int64_t>(), [=](std::int64_t i, std::int64_t j) { y[i] = values[j]; });
  });
  return record_pick(std::move(out), "pick", x, dim, index);
}

Tensor spread(const Tensor& x, int dim, const Tensor& index, std::int64_t size) {
  FloatEnvironment environment;
  const Tensor from = contiguous(detach(x)), places = contiguous(index);
  Dims shape = x.shape();
  shape[dim] = size;
  Tensor out = zeros(shape, x.dtype());
  visit_floating("spread", x.dtype(), [&]<class T>() {
    const T* const values = from.data<T>();
    T* const y = out.data<T>();
    each_place(x.shape(), dim, size, places.data<std::int64_t>(), [=](std::int64_t i, std::int64_t j) { y[j] += values[i]; });
  });
  return records(x) ? record(std::move(out), new Spread(dim, index), x) : out;
}

Tensor record_pick(Tensor values, const char* operation, const Tensor& x, int dim, const Tensor& index) {
  if (!is_floating(x.dtype()) || !records(x)) return values;
  Dims shape = index.shape();
  if (index.ndim() < x.ndim()) shape.insert(dim, 1);
  return record(std::move(values), new Pick(operation, dim, reshape(index, shape), x.shape()), x);
}

}  // namespace gradgate
