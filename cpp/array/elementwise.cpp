// Finds the elementwise kernels of a type and runs them.
#include "array/elementwise.h"

#include <type_traits>

#include "array/copy.h"
#include "gates/binary.h"
#include "kernels/dispatch.h"
#include "kernels/integer.h"
#include "kernels/strided.h"

namespace gradgate {
namespace {

template <class T>
const ElementwiseTable<T>& table_of() {
  if constexpr (std::is_floating_point_v<T>)
    return kernels().of<T>().elementwise;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return uint8_kernels();
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return int32_kernels();
  else {
    static_assert(std::is_same_v<T, std::int64_t>);
    return int64_kernels();
  }
}

}  // namespace

void run_unary(int gate, const Array& out, const Array& x, const double* scalars) {
  visit(out.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto kernel = table_of<T>().unary[gate];
      elementwise<T, T>(
          out.shape(), [&](std::int64_t n, T* y, const T* v) { kernel(n, v, y, scalars); }, {out.data<T>(), out.strides()},
          operand<const T>(x, out.shape()));
    }
  });
}

void run_binary(int gate, const Array& out, const Array& a, const Array& b) {
  visit(out.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto kernel = table_of<T>().binary[gate];
      elementwise<T, T, T>(
          out.shape(), [&](std::int64_t n, T* y, const T* u, const T* v) { kernel(n, u, v, y); }, {out.data<T>(), out.strides()},
          operand<const T>(a, out.shape()), operand<const T>(b, out.shape()));
    }
  });
}

void run_ternary(int gate, const Array& out, const Array& a, const Array& b, const Array& c) {
  const Dims& shape = out.shape();
  visit_floating("a gate of three inputs", out.dtype(), [&]<class T>() {
    const auto kernel = table_of<T>().ternary[gate];
    elementwise<T, T, T, T>(
        shape, [&](std::int64_t n, T* o, const T* u, const T* v, const T* w) { kernel(n, u, v, w, o); }, {out.data<T>(), out.strides()},
        operand<const T>(a, shape), operand<const T>(b, shape), operand<const T>(c, shape));
  });
}

void run_unary_backward(int gate, const Array& dx, const Array& dy, const Array* x, const Array* y, const double* scalars) {
  const Dims& shape = dx.shape();
  visit_floating("backward", dx.dtype(), [&]<class T>() {
    const auto kernel = kernels().of<T>().elementwise.unary_backward[gate];
    const Strided<T> out{dx.data<T>(), dx.strides()};
    if (x && y)
      elementwise<T, T, T, T>(
          shape, [&](std::int64_t n, T* o, const T* d, const T* a, const T* b) { kernel(n, d, a, b, o, scalars); }, out,
          operand<const T>(dy, shape), operand<const T>(*x, shape), operand<const T>(*y, shape));
    else
      elementwise<T, T, T>(
          shape, [&](std::int64_t n, T* o, const T* d, const T* a) { kernel(n, d, a, a, o, scalars); }, out, operand<const T>(dy, shape),
          operand<const T>(x ? *x : *y, shape));
  });
}

void run_binary_backward(int gate, int input, const Array& dx, const Array& dy, const Array* a, const Array* b, const Array* y) {
  const Dims& shape = dx.shape();
  visit_floating("backward", dx.dtype(), [&]<class T>() {
    const auto kernel = kernels().of<T>().elementwise.binary_backward[gate][input];
    // The kernel does not look at a value that was not saved; the upstream gradient takes its place.
    const auto saved = [&](const Array* t) { return operand<const T>(t ? *t : dy, shape); };
    elementwise<T, T, T, T, T>(
        shape, [&](std::int64_t n, T* o, const T* d, const T* u, const T* v, const T* w) { kernel(n, d, u, v, w, o); },
        {dx.data<T>(), dx.strides()}, operand<const T>(dy, shape), saved(a), saved(b), saved(y));
  });
}

void add_into(const Array& sum, const Array& dx) { run_binary(BinaryGates::index<Add>(), sum, sum, dx); }

}  // namespace gradgate
