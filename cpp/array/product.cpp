// Describes products to the kernels.
#include "array/product.h"

#include <type_traits>

#include "kernels/matmul.h"

namespace gradgate {
namespace {

// A vector counts as a row on the left and as a column on the right; c is contiguous.
template <class T>
MatmulProblem<T> problem_of(const Array& a, const Array& b, const Array& c) {
  const int a_last = a.ndim() - 1, b_last = b.ndim() - 1;
  MatmulProblem<T> p{};
  p.m = a_last ? a.size(a_last - 1) : 1;
  p.n = b_last ? b.size(b_last) : 1;
  p.k = a.size(a_last);
  p.a = a.data<T>();
  p.a_row = a_last ? a.strides()[a_last - 1] : p.k;
  p.a_col = a.strides()[a_last];
  p.b = b.data<T>();
  p.b_row = b.strides()[b_last ? b_last - 1 : 0];
  p.b_col = b_last ? b.strides()[b_last] : 1;
  p.c = c.data<T>();
  p.c_row = p.n;
  return p;
}

// Integers have no kernel of their own; unsigned arithmetic makes overflow wrap.
template <class T>
void integer_product(const MatmulProblem<T>& p) {
  using Unsigned = std::make_unsigned_t<T>;
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      Unsigned sum = 0;
      for (std::int64_t k = 0; k < p.k; ++k)
        sum = static_cast<Unsigned>(sum + static_cast<Unsigned>(p.a[i * p.a_row + k * p.a_col]) *
                                              static_cast<Unsigned>(p.b[k * p.b_row + j * p.b_col]));
      p.c[i * p.c_row + j] = static_cast<T>(sum);
    }
}

}  // namespace

void multiply(const char* operation, const Array& a, const Array& b, const Array& out, const Array* bias) {
  const bool batched = a.ndim() == 3;
  visit(a.dtype(), [&]<class T>() {
    MatmulProblem<T> p = problem_of<T>(a, b, out);
    if (bias) p.bias = bias->data<T>();
    if constexpr (std::is_floating_point_v<T>) {
      if (batched)
        matmul_batch(p, {a.size(0), a.strides()[0], b.strides()[0], out.strides()[0]});
      else
        matmul(p);
    } else if constexpr (std::is_same_v<T, bool>) {
      fail<RuntimeError>(operation, " is not defined for bool tensors; convert them with .float()");
    } else {
      for (std::int64_t i = 0; i < (batched ? a.size(0) : 1); ++i) {
        integer_product(p);
        if (batched) p.a += a.strides()[0], p.b += b.strides()[0], p.c += out.strides()[0];
      }
    }
  });
}

}  // namespace gradgate
