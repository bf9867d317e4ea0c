// Runs the reducing kernels on arrays of any layout.
#include "array/reduction.h"

#include "base/float_environment.h"
#include "kernels/reduce.h"
#include "kernels/reduce_exact.h"

namespace gradgate {

void reduce_floating(const char* operation, Reduction reduction, const Array& x, const Dims& dims, const Array& out) {
  visit_floating(operation, x.dtype(), [&]<class T>() {
    const Arrangement a = arrange(x, dims);
    if (a.columns == 1)
      reduce_rows<T>(reduction, a.outer, a.reduced, a.x.data<T>(), out.data<T>());
    else
      reduce_columns<T>(reduction, a.outer, a.reduced, a.columns, a.x.data<T>(), out.data<T>());
  });
}

void reduce_to_int64(Reduction reduction, const Array& x, const Dims& dims, const Array& out) {
  const Arrangement a = arrange(x, dims);
  auto* const y = out.data<std::uint64_t>();
  visit(x.dtype(), [&]<class T>() {
    const T* const values = a.x.data<T>();
    if (reduction == Reduction::sum)
      reduce_exact(a.outer, a.reduced, a.columns, values, y, std::uint64_t{0},
                   [](std::uint64_t s, T v) { return s + static_cast<std::uint64_t>(static_cast<std::int64_t>(v)); });
    else
      reduce_exact(a.outer, a.reduced, a.columns, values, y, std::uint64_t{1},
                   [](std::uint64_t s, T v) { return s * static_cast<std::uint64_t>(static_cast<std::int64_t>(v)); });
  });
}

void divide_by(const Array& out, std::int64_t count) {
  FloatEnvironment environment;
  visit_floating("mean", out.dtype(), [&]<class T>() {
    T* const y = out.data<T>();
    for (std::int64_t i = 0; i < out.numel(); ++i) y[i] /= static_cast<T>(count);
  });
}

bool any_true(const Array& mask) {
  bool any = false;
  reduce_exact(1, mask.numel(), 1, mask.data<bool>(), &any, false, [](bool a, bool b) { return a || b; });
  return any;
}

}  // namespace gradgate
