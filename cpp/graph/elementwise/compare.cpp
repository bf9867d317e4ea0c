// Comparisons, logic and where.
#include "graph/elementwise/compare.h"

#include "array/copy.h"
#include "graph/engine/creation.h"
#include "graph/engine/phrase.h"
#include "graph/engine/types.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"

namespace gradgate {
namespace {

const GateKind kWhere("where");

Tensor truth(const Tensor& x) { return x.dtype() == DType::boolean ? x : Tensor(converted(x, DType::boolean)); }

// An operand without its graph, in the type to compare in.
Array operand_in(const Tensor& x, DType dtype) { return converted(x, dtype); }

Tensor run_test(FloatTest which, const char* name, const Tensor& x) {
  if (!is_floating(x.dtype())) return full(x.shape(), which == FloatTest::isfinite ? 1 : 0, DType::boolean);
  const Tensor out = Tensor::empty(x.shape(), DType::boolean);
  test(which, x, out);
  return phrase(out, [name](const InputTexts& in) { return called(cat("np.", name), in[0]); }, x);
}

class Where final : public Gate {
 public:
  const GateKind& kind() const override { return kWhere; }
  void infer(const Inputs& in, Plan& plan) const override {
    const Dims shape = broadcast_shapes("where", broadcast_shapes("where", in[0].shape(), in[1].shape()), in[2].shape());
    plan.push_back({{shape, in[1].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override { choose(in[0], in[1], in[2], out[0]); }
  Saved saves(unsigned) const override { return {1, 0}; }
  void rule(BackwardContext& c) const override {
    const Tensor zero = zeros({}, c.upstream().dtype()), condition = c.input(0);
    if (c.needs(1)) c.downstream(1, sum_to(where(condition, c.upstream(), zero), c.input_shape(1)));
    if (c.needs(2)) c.downstream(2, sum_to(where(condition, zero, c.upstream()), c.input_shape(2)));
  }
  Text text(const InputTexts& in) const override { return select(in[0], in[1], in[2]); }
};

Text compare_text(Comparison comparison, const Text& a, const Text& b) {
  switch (comparison) {
    case Comparison::eq: return a == b;
    case Comparison::ne: return a != b;
    case Comparison::lt: return a < b;
    case Comparison::le: return a <= b;
    case Comparison::gt: return a > b;
    case Comparison::ge: return a >= b;
  }
  return {};
}

Text logical_text(Logic logic, const Text& a, const Text& b) {
  switch (logic) {
    case Logic::conjunction: return a & b;
    case Logic::disjunction: return a | b;
    case Logic::exclusive: return a != b;
  }
  return {};
}

}  // namespace

Tensor compare(Comparison comparison, const Tensor& a, const Tensor& b) {
  static constexpr const char* names[] = {"eq", "ne", "lt", "le", "gt", "ge"};
  const DType dtype = result_type(a, b);
  const Tensor out =
      Tensor::empty(broadcast_shapes(names[static_cast<int>(comparison)], a.shape(), b.shape()), DType::boolean);
  compare(comparison, operand_in(a, dtype), operand_in(b, dtype), out);
  return phrase(out, [comparison](const InputTexts& in) { return compare_text(comparison, in[0], in[1]); }, a, b);
}

Tensor logical(Logic logic, const Tensor& a, const Tensor& b) {
  const Tensor out = Tensor::empty(broadcast_shapes("logical operation", a.shape(), b.shape()), DType::boolean);
  logical(logic, truth(a), truth(b), out);
  return phrase(out, [logic](const InputTexts& in) { return logical_text(logic, in[0], in[1]); }, a, b);
}

Tensor logical_not(const Tensor& x) { return compare(Comparison::eq, truth(x), zeros({}, DType::boolean)); }

Tensor bitwise(Logic logic, const Tensor& a, const Tensor& b) {
  const DType dtype = result_type(a, b);
  if (dtype == DType::boolean) return logical(logic, a, b);
  if (is_floating(dtype)) fail<RuntimeError>("bitwise operations are not defined for ", dtype, " tensors; use logical_and and its kin");
  const Tensor out = Tensor::empty(broadcast_shapes("bitwise operation", a.shape(), b.shape()), dtype);
  bitwise(logic, operand_in(a, dtype), operand_in(b, dtype), out);
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
  return evaluate(Where(), condition, cast(a, dtype), cast(b, dtype));
}

Tensor isnan(const Tensor& x) { return run_test(FloatTest::isnan, "isnan", x); }
Tensor isinf(const Tensor& x) { return run_test(FloatTest::isinf, "isinf", x); }
Tensor isfinite(const Tensor& x) { return run_test(FloatTest::isfinite, "isfinite", x); }

}  // namespace gradgate
