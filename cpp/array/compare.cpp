// The loops of comparisons, logic and choice.
#include "array/compare.h"

#include <functional>

#include "array/copy.h"

namespace gradgate {
namespace {

template <class Out, class T, class F>
void run_pairs(const Array& a, const Array& b, const Array& out, F f) {
  elementwise<Out, T, T>(
      out.shape(),
      [f](std::int64_t n, Out* o, const T* u, const T* v) {
        for (std::int64_t i = 0; i < n; ++i) o[i] = static_cast<Out>(f(u[i], v[i]));
      },
      {out.data<Out>(), out.strides()}, operand<const T>(a, out.shape()), operand<const T>(b, out.shape()));
}

template <class T, class F>
void run_test(const Array& x, const Array& out, F f) {
  elementwise<bool, T>(
      out.shape(),
      [f](std::int64_t n, bool* o, const T* v) {
        for (std::int64_t i = 0; i < n; ++i) o[i] = f(v[i]);
      },
      {out.data<bool>(), out.strides()}, operand<const T>(x, out.shape()));
}

}  // namespace

void compare(Comparison comparison, const Array& a, const Array& b, const Array& out) {
  visit(a.dtype(), [&]<class T>() {
    switch (comparison) {
      case Comparison::eq: return run_pairs<bool, T>(a, b, out, std::equal_to<T>());
      case Comparison::ne: return run_pairs<bool, T>(a, b, out, std::not_equal_to<T>());
      // a < b is b > a: three loops are compiled instead of six.
      case Comparison::lt: return run_pairs<bool, T>(b, a, out, std::greater<T>());
      case Comparison::le: return run_pairs<bool, T>(b, a, out, std::greater_equal<T>());
      case Comparison::gt: return run_pairs<bool, T>(a, b, out, std::greater<T>());
      case Comparison::ge: return run_pairs<bool, T>(a, b, out, std::greater_equal<T>());
    }
  });
}

void logical(Logic logic, const Array& a, const Array& b, const Array& out) {
  switch (logic) {
    case Logic::conjunction: return run_pairs<bool, bool>(a, b, out, std::logical_and<bool>());
    case Logic::disjunction: return run_pairs<bool, bool>(a, b, out, std::logical_or<bool>());
    case Logic::exclusive: return run_pairs<bool, bool>(a, b, out, std::not_equal_to<bool>());
  }
}

void bitwise(Logic logic, const Array& a, const Array& b, const Array& out) {
  visit(out.dtype(), [&]<class T>() {
    if constexpr (std::is_integral_v<T>) switch (logic) {
        case Logic::conjunction: return run_pairs<T, T>(a, b, out, [](T u, T v) { return u & v; });
        case Logic::disjunction: return run_pairs<T, T>(a, b, out, [](T u, T v) { return u | v; });
        case Logic::exclusive: return run_pairs<T, T>(a, b, out, [](T u, T v) { return u ^ v; });
      }
  });
}

void test(FloatTest test, const Array& x, const Array& out) {
  visit_floating("test", x.dtype(), [&]<class T>() {
    switch (test) {
      case FloatTest::isnan: return run_test<T>(x, out, [](T v) { return v != v; });
      case FloatTest::isinf: return run_test<T>(x, out, [](T v) { return v - v != v - v && v == v; });
      case FloatTest::isfinite: return run_test<T>(x, out, [](T v) { return v - v == v - v; });
    }
  });
}

void choose(const Array& condition, const Array& a, const Array& b, const Array& out) {
  visit(out.dtype(), [&]<class T>() {
    elementwise<T, bool, T, T>(
        out.shape(),
        [](std::int64_t n, T* o, const bool* c, const T* u, const T* v) {
          for (std::int64_t i = 0; i < n; ++i) o[i] = c[i] ? u[i] : v[i];
        },
        {out.data<T>(), out.strides()}, operand<const bool>(condition, out.shape()), operand<const T>(a, out.shape()),
        operand<const T>(b, out.shape()));
  });
}

}  // namespace gradgate
