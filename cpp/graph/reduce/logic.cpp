// Runs any, all and count_nonzero.
#include "graph/reduce/logic.h"

#include "array/arrangement.h"
#include "array/copy.h"
#include "kernels/reduce_exact.h"

namespace gradgate {
namespace {

template <class Out, class Combine>
Tensor run(const Array& x, const Dims& dims, bool keepdim, Out identity, const Combine& combine) {
  const Dims reduced = reduced_dims(x.ndim(), dims);
  Tensor out = Tensor::empty(kept_shape(x.shape(), reduced, keepdim), DTypeOf<Out>::value);
  const Arrangement a = arrange(x, reduced);
  visit(x.dtype(), [&]<class T>() {
    reduce_exact(a.outer, a.reduced, a.columns, a.x.data<T>(), out.data<Out>(), identity,
                 [&](Out value, T element) { return combine(value, element != T(0)); });
  });
  return out;
}

Tensor as_truth(const Tensor& result, const Tensor& x) {
  return x.dtype() == DType::uint8 ? Tensor(converted(result, DType::uint8)) : result;
}

}  // namespace

Tensor any(const Tensor& x, const Dims& dims, bool keepdim) {
  return as_truth(run<bool>(x, dims, keepdim, false, [](bool value, bool element) { return value || element; }), x);
}

Tensor all(const Tensor& x, const Dims& dims, bool keepdim) {
  return as_truth(run<bool>(x, dims, keepdim, true, [](bool value, bool element) { return value && element; }), x);
}

Tensor count_nonzero(const Tensor& x, const Dims& dims) {
  return run<std::int64_t>(x, dims, false, 0, [](std::int64_t count, bool element) { return count + element; });
}

}  // namespace gradgate
