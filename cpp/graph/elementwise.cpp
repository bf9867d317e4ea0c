// Runs the elementwise kernels and records their gates.
#include "graph/elementwise.h"

#include <array>

#include "graph/compare.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/elementwise_nodes.h"
#include "graph/node.h"
#include "graph/reduce.h"
#include "graph/view.h"
#include "kernels/dispatch.h"
#include "kernels/integer.h"
#include "kernels/strided.h"

namespace gradgate {
namespace {

template <class T>
const ElementwiseTable<T>& table_of() {
  if constexpr (std::is_floating_point_v<T>)
    return kernels().of<T>().elementwise;
  else if constexpr (sizeof(T) == 1)
    return uint8_kernels();
  else if constexpr (sizeof(T) == 4)
    return int32_kernels();
  else
    return int64_kernels();
}

// The type in which the gate computes on operands of this type.
DType computing_type(const GateInfo& info, DType dtype) {
  if (is_floating(dtype) || (info.integers == Integers::keep && dtype != DType::boolean)) return dtype;
  if (info.integers == Integers::promote) return default_dtype();
  fail<RuntimeError>(info.name, " is not defined for bool tensors; use a logical operation, or convert with .int()");
}

// On bools, sums and products are the logical operations, as in PyTorch.
bool is_logical(int gate, DType dtype) {
  return dtype == DType::boolean && (gate == BinaryGates::index<Add>() || gate == BinaryGates::index<Maximum>() ||
                                     gate == BinaryGates::index<Mul>() || gate == BinaryGates::index<Minimum>());
}
Logic logic_of(int gate) {
  return gate == BinaryGates::index<Add>() || gate == BinaryGates::index<Maximum>() ? Logic::disjunction : Logic::conjunction;
}

// A result for operands that broadcast to `shape`: in their memory order when they all share one, else row-major.
template <class... Operands>
Tensor result_like(const Dims& shape, const Tensor& first, const Operands&... rest) {
  const bool same_order = first.shape() == shape && !first.is_contiguous() &&
                          ((rest.ndim() == 0 || (rest.shape() == shape && rest.strides() == first.strides())) && ...);
  return same_order ? empty_like(first) : Tensor::empty(shape, first.dtype());
}

}  // namespace

void run_unary(int gate, const Tensor& out, const Tensor& x, const double* scalars) {
  visit(out.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto kernel = table_of<T>().unary[gate];
      elementwise<T, T>(
          out.shape(), [&](std::int64_t n, T* y, const T* v) { kernel(n, v, y, scalars); }, {out.data<T>(), out.strides()},
          operand<const T>(x, out.shape()));
    }
  });
}

void run_binary(int gate, const Tensor& out, const Tensor& a, const Tensor& b) {
  visit(out.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto kernel = table_of<T>().binary[gate];
      elementwise<T, T, T>(
          out.shape(), [&](std::int64_t n, T* y, const T* u, const T* v) { kernel(n, u, v, y); }, {out.data<T>(), out.strides()},
          operand<const T>(a, out.shape()), operand<const T>(b, out.shape()));
    }
  });
}

void add_into(const Tensor& sum, const Tensor& dx) { run_binary(BinaryGates::index<Add>(), sum, sum, dx); }

Tensor apply_unary(int gate, const Tensor& x, const double* scalars) {
  const UnaryGate& entry = unary_gate(gate);
  double defaults[kMaxGateScalars];
  if (!scalars) {
    for (int i = 0; i < kMaxGateScalars; ++i) defaults[i] = entry.info->scalars[i].value;
    scalars = defaults;
  }
  const Tensor input = cast(x, computing_type(*entry.info, x.is_number() && is_floating(x.dtype()) ? default_dtype() : x.dtype()));
  Tensor out = result_like(input.shape(), input);
  run_unary(gate, out, input, scalars);
  return records(input) ? entry.record(std::move(out), input, scalars) : out;
}

// A number stays one, so that an explanation writes it as such.
static Tensor converted(const Tensor& t, DType dtype) {
  if (t.dtype() == dtype) return t;
  Tensor x = cast(t, dtype);
  x.body()->number = t.is_number();
  return x;
}

Tensor apply_binary(int gate, const Tensor& a, const Tensor& b) {
  const BinaryGate& entry = binary_gate(gate);
  const DType common = result_type(a, b);
  if (is_logical(gate, common)) return logical(logic_of(gate), a, b);
  const DType dtype = computing_type(*entry.info, common);
  const Tensor x = converted(a, dtype), y = converted(b, dtype);
  const Dims shape = broadcast_shapes(entry.info->name, x.shape(), y.shape());
  Tensor out = y.ndim() > x.ndim() ? result_like(shape, y, x) : result_like(shape, x, y);
  run_binary(gate, out, x, y);
  return records(x, y) ? entry.record(std::move(out), x, y) : out;
}

Tensor apply_ternary(int gate, const Tensor& a, const Tensor& b, const Tensor& c) {
  const TernaryGate& entry = ternary_gate(gate);
  const Tensor operands[] = {a, b, c};
  const DType dtype = computing_type(*entry.info, result_type(operands, 3));
  const Tensor x = converted(a, dtype), y = converted(b, dtype), z = converted(c, dtype);
  const Dims shape = broadcast_shapes(entry.info->name, broadcast_shapes(entry.info->name, x.shape(), y.shape()), z.shape());
  Tensor out = Tensor::empty(shape, dtype);
  visit_floating(entry.info->name, dtype, [&]<class T>() {
    const auto kernel = table_of<T>().ternary[gate];
    elementwise<T, T, T, T>(
        shape, [&](std::int64_t n, T* o, const T* u, const T* v, const T* w) { kernel(n, u, v, w, o); }, {out.data<T>(), out.strides()},
        operand<const T>(x, shape), operand<const T>(y, shape), operand<const T>(z, shape));
  });
  return records(x, y, z) ? entry.record(std::move(out), x, y, z) : out;
}

Tensor sum_to(const Tensor& dx, const Dims& shape) {
  if (dx.shape() == shape) return dx;
  const int added = dx.ndim() - shape.size();
  Dims summed;
  for (int i = 0; i < dx.ndim(); ++i)
    if (i < added || (shape[i - added] == 1 && dx.size(i) != 1)) summed.push_back(i);
  const Tensor total = sum(dx, summed, summed.size() > added);
  return total.shape() == shape ? total : view_as(total, shape);
}

}  // namespace gradgate
