// Runs the rounded quotients and remainders, and records the latter.
#include "graph/quotient.h"

#include <cmath>

#include "gates/integer.h"
#include "graph/copy.h"
#include "graph/formula.h"
#include "graph/node.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"

namespace gradgate {
namespace {

// The smallest integer over -1 overflows, which C++ leaves undefined.
template <class T>
bool negates(T b) {
  return std::is_signed_v<T> && b == T(-1);
}

// a % b as C has it. IEEE 754 makes fmod exact, and so the same on every machine.
template <class T>
T truncated_remainder(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::fmod(a, b);
  else
    return negates(b) ? T(0) : static_cast<T>(a % b);
}

template <class T>
T remainder_of(Rounding rounding, T a, T b) {
  const T left = truncated_remainder(a, b);
  return rounding == Rounding::floor && left != T(0) && (left < T(0)) != (b < T(0)) ? static_cast<T>(left + b) : left;
}

template <class T>
T quotient_of(Rounding rounding, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (b == T(0)) return a / b;
    if (rounding == Rounding::truncate) return std::trunc(a / b);
    // From the exact remainder, since a / b may be rounded up to the next integer.
    const T left = std::fmod(a, b), quotient = (a - left) / b - T(left != T(0) && (left < T(0)) != (b < T(0)));
    if (quotient == T(0)) return std::copysign(T(0), a / b);
    const T below = std::floor(quotient);
    return quotient - below > T(0.5) ? below + T(1) : below;
  } else {
    const bool differ = rounding == Rounding::floor && remainder_of(Rounding::truncate, a, b) != T(0) && (a < T(0)) != (b < T(0));
    const T quotient = negates(b) ? (-Integer<T>(a)).v : static_cast<T>(a / b);
    return static_cast<T>(quotient - (differ ? 1 : 0));
  }
}

template <class T>
void check_divisor(const char* operation, const Tensor& b) {
  if constexpr (std::is_integral_v<T>) {
    const Tensor divisor = contiguous(b);
    for (std::int64_t i = 0; i < divisor.numel(); ++i)
      if (divisor.data<T>()[i] == T(0))
        fail<RuntimeError>(operation, ": ZeroDivisionError: integers cannot be divided by zero; convert them with .float()");
  }
}

// f(rounding, a, b) on every pair of elements, unrecorded.
template <class F>
Tensor run(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b, F f) {
  const DType dtype = result_type(a, b);
  if (dtype == DType::boolean) fail<RuntimeError>(operation, " is not defined for bool tensors; convert them with .int()");
  const Tensor x = cast(a.alias(), dtype), y = cast(b.alias(), dtype);
  const Dims shape = broadcast_shapes(operation, x.shape(), y.shape());
  Tensor out = Tensor::empty(shape, dtype);
  visit(dtype, [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) {
      if (shape.product() > 0) check_divisor<T>(operation, y);
      elementwise<T, T, T>(
          shape,
          [&](std::int64_t n, T* o, const T* u, const T* v) {
            for (std::int64_t i = 0; i < n; ++i) o[i] = f(rounding, u[i], v[i]);
          },
          {out.data<T>(), out.strides()}, operand<const T>(x, shape), operand<const T>(y, shape));
    }
  });
  return out;
}

class Remainder final : public Node {
 public:
  Remainder(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b)
      : operation_(operation), rounding_(rounding), a_(SavedTensor::input(a)), b_(SavedTensor::input(b)) {}
  const char* name() const override { return rounding_ == Rounding::floor ? "RemainderBackward" : "FmodBackward"; }
  void backward(Flow& flow) override {
    const Tensor &dy = flow.upstream(), a = a_.unpack(*this), b = b_.unpack(*this);
    if (flow.needs(0)) flow.downstream(0, sum_to(dy, a.shape()));
    if (flow.needs(1)) flow.downstream(1, sum_to(-(dy * rounded_quotient(operation_, rounding_, a, b)), b.shape()));
  }
  Tensors forward(const Replay& in) const override { return {remainder(operation_, rounding_, in[0], in[1])}; }
  Text text(const Text* in) const override { return called(rounding_ == Rounding::floor ? "np.remainder" : "np.fmod", in[0], in[1]); }

 private:
  void release() override {
    a_.reset();
    b_.reset();
  }
  const char* operation_;
  Rounding rounding_;
  SavedTensor a_, b_;
};

}  // namespace

Tensor rounded_quotient(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b) {
  const Tensor out = run(operation, rounding, a, b, [](Rounding r, auto u, auto v) { return quotient_of(r, u, v); });
  return phrase(out, [rounding](const Text* in) {
    return rounding == Rounding::floor ? called("np.floor_divide", in[0], in[1]) : called("np.trunc", in[0] / in[1]);
  }, a, b);
}

Tensor remainder(const char* operation, Rounding rounding, const Tensor& a, const Tensor& b) {
  const DType dtype = result_type(a, b);
  const Tensor x = is_floating(dtype) ? cast(a, dtype) : a, y = is_floating(dtype) ? cast(b, dtype) : b;
  Tensor out = run(operation, rounding, x, y, [](Rounding r, auto u, auto v) { return remainder_of(r, u, v); });
  return records(x, y) ? record(std::move(out), new Remainder(operation, rounding, x, y), x, y) : out;
}

}  // namespace gradgate
