// Comparisons, logic and where.
#include "graph/compare.h"

#include <functional>

#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/elementwise.h"
#include "graph/node.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"

namespace gradgate {
namespace {

// A comparison's operand: the value without its graph, still a number if it was one.
Tensor off_graph(const Tensor& x) { return x.requires_grad() ? x.alias() : x; }

template <class T, class F>
Tensor run_predicate(const Tensor& a, const Tensor& b, const Dims& shape, F f) {
  Tensor out = Tensor::empty(shape, DType::boolean);
  elementwise<bool, T, T>(
      shape,
      [f](std::int64_t n, bool* o, const T* u, const T* v) {
        for (std::int64_t i = 0; i < n; ++i) o[i] = f(u[i], v[i]);
      },
      {out.data<bool>(), out.strides()}, operand<const T>(a, shape), operand<const T>(b, shape));
  return out;
}

template <class F>
Tensor run_test(const char* operation, const Tensor& x, F f) {
  if (!is_floating(x.dtype())) return full(x.shape(), f(0.0), DType::boolean);
  const Tensor out = Tensor::empty(x.shape(), DType::boolean);
  visit_floating(operation, x.dtype(), [&]<class T>() {
    elementwise<bool, T>(
        x.shape(),
        [f](std::int64_t n, bool* o, const T* v) {
          for (std::int64_t i = 0; i < n; ++i) o[i] = f(v[i]);
        },
        {out.data<bool>(), out.strides()}, operand<const T>(x, x.shape()));
  });
  return phrase(out, [operation](const Text* in) { return called(cat("np.", operation), in[0]); }, x);
}

class Where final : public Node {
 public:
  Where(const Tensor& condition, const Tensor& a, const Tensor& b)
      : condition_(SavedTensor::input(condition)), a_(a.shape()), b_(b.shape()) {}
  const char* name() const override { return "WhereBackward"; }
  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    const Tensor zero = zeros({}, dy.dtype()), condition = condition_.unpack(*this);
    if (flow.needs(1)) flow.downstream(1, sum_to(where(condition, dy, zero), a_));
    if (flow.needs(2)) flow.downstream(2, sum_to(where(condition, zero, dy), b_));
  }
  Tensors forward(const Replay& in) const override { return {where(in[0], in[1], in[2])}; }
  Text text(const Text* in) const override { return select(in[0], in[1], in[2]); }

 private:
  void release() override { condition_.reset(); }
  SavedTensor condition_;
  Dims a_, b_;
};

Text compare_text(Comparison comparison, const Text& a, const Text& b) {
  switch (comparison) {
    case Comparison::eq: return a == b;
    case Comparison::ne: return a != b;
    case Comparison::lt: return a < b;
    case Comparison::le: return a <= b;
    case Comparison::gt: return a > b;
    default: return a >= b;
  }
}

Text logical_text(Logic logic, const Text& a, const Text& b) {
  return logic == Logic::conjunction ? a & b : logic == Logic::disjunction ? a | b : a != b;
}

}  // namespace

Tensor compare(Comparison comparison, const Tensor& a, const Tensor& b) {
  static constexpr const char* names[] = {"eq", "ne", "lt", "le", "gt", "ge"};
  const DType dtype = result_type(a, b);
  const Tensor x = cast(off_graph(a), dtype), y = cast(off_graph(b), dtype);
  const Dims shape = broadcast_shapes(names[static_cast<int>(comparison)], x.shape(), y.shape());
  const Tensor out = visit(dtype, [&]<class T>() {
    switch (comparison) {
      case Comparison::eq: return run_predicate<T>(x, y, shape, std::equal_to<T>());
      case Comparison::ne: return run_predicate<T>(x, y, shape, std::not_equal_to<T>());
      case Comparison::lt: return run_predicate<T>(x, y, shape, std::less<T>());
      case Comparison::le: return run_predicate<T>(x, y, shape, std::less_equal<T>());
      case Comparison::gt: return run_predicate<T>(x, y, shape, std::greater<T>());
      default: return run_predicate<T>(x, y, shape, std::greater_equal<T>());
    }
  });
  return phrase(out, [comparison](const Text* in) { return compare_text(comparison, in[0], in[1]); }, a, b);
}

Tensor logical(Logic logic, const Tensor& a, const Tensor& b) {
  const Tensor x = cast(off_graph(a), DType::boolean), y = cast(off_graph(b), DType::boolean);
  const Dims shape = broadcast_shapes("logical operation", x.shape(), y.shape());
  const Tensor out = logic == Logic::conjunction   ? run_predicate<bool>(x, y, shape, std::logical_and<bool>())
                     : logic == Logic::disjunction ? run_predicate<bool>(x, y, shape, std::logical_or<bool>())
                                                   : run_predicate<bool>(x, y, shape, std::not_equal_to<bool>());
  return phrase(out, [logic](const Text* in) { return logical_text(logic, in[0], in[1]); }, a, b);
}

Tensor logical_not(const Tensor& x) {
  return compare(Comparison::eq, cast(off_graph(x), DType::boolean), zeros({}, DType::boolean));
}

Tensor bitwise(Logic logic, const Tensor& a, const Tensor& b) {
  const DType dtype = result_type(a, b);
  if (dtype == DType::boolean) return logical(logic, a, b);
  if (is_floating(dtype)) fail<RuntimeError>("bitwise operations are not defined for ", dtype, " tensors; use logical_and and its kin");
  const Tensor x = cast(a, dtype), y = cast(b, dtype);
  const Dims shape = broadcast_shapes("bitwise operation", x.shape(), y.shape());
  Tensor out = Tensor::empty(shape, dtype);
  visit(dtype, [&]<class T>() {
    if constexpr (std::is_integral_v<T>) {
      auto run = [&](auto f) {
        elementwise<T, T, T>(
            shape,
            [f](std::int64_t n, T* o, const T* u, const T* v) {
              for (std::int64_t i = 0; i < n; ++i) o[i] = static_cast<T>(f(u[i], v[i]));
            },
            {out.data<T>(), out.strides()}, operand<const T>(x, shape), operand<const T>(y, shape));
      };
      if (logic == Logic::conjunction)
        run([](T u, T v) { return u & v; });
      else if (logic == Logic::disjunction)
        run([](T u, T v) { return u | v; });
      else
        run([](T u, T v) { return u ^ v; });
    }
  });
  return out;
}

Tensor bitwise_not(const Tensor& x) {
  if (x.dtype() == DType::boolean) return logical_not(x);
  return bitwise(Logic::exclusive, x, cast(number(std::int64_t{-1}), x.dtype()));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  if (condition.dtype() != DType::boolean)
    fail<RuntimeError>("where: expected condition to be a boolean tensor, but got a tensor with dtype ", condition.dtype());
  const DType dtype = result_type(a, b);
  const Tensor x = cast(a, dtype), y = cast(b, dtype);
  const Dims shape = broadcast_shapes("where", broadcast_shapes("where", condition.shape(), x.shape()), y.shape());
  Tensor out = Tensor::empty(shape, dtype);
  visit(dtype, [&]<class T>() {
    elementwise<T, bool, T, T>(
        shape,
        [](std::int64_t n, T* o, const bool* c, const T* u, const T* v) {
          for (std::int64_t i = 0; i < n; ++i) o[i] = c[i] ? u[i] : v[i];
        },
        {out.data<T>(), out.strides()}, operand<const bool>(condition, shape), operand<const T>(x, shape), operand<const T>(y, shape));
  });
  return records(condition, x, y) ? record(std::move(out), new Where(condition, x, y), condition, x, y) : out;
}

Tensor isnan(const Tensor& x) {
  return run_test("isnan", x, [](auto v) { return v != v; });
}
Tensor isinf(const Tensor& x) {
  return run_test("isinf", x, [](auto v) { return v - v != v - v && v == v; });
}
Tensor isfinite(const Tensor& x) {
  return run_test("isfinite", x, [](auto v) { return v - v == v - v; });
}

}  // namespace gradgate
