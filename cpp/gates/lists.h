// The lists of gates and of optimizers' update rules. They name and declare them; unary.h, binary.h, ternary.h and optimizer.h define them.
#pragma once

namespace gradgate {

// A compile-time list of gates; a gate's position in it is its index in the kernel tables.
template <class... Gates>
struct GateList {
  static constexpr int size = sizeof...(Gates);

  template <class G>
  static constexpr int index() {
    constexpr bool same[] = {__is_same(G, Gates)...};
    for (int i = 0; i < size; ++i)
      if (same[i]) return i;
    return -1;
  }

  // Calls visit.template operator()<G>() for every gate, in order.
  template <class Visit>
  static constexpr void each(Visit&& visit) {
    (visit.template operator()<Gates>(), ...);
  }
};

using UnaryGates =
    GateList<struct Neg, struct Abs, struct Sign, struct Square, struct Reciprocal, struct Sqrt, struct Rsqrt, struct Exp, struct Expm1,
             struct Log, struct Log1p, struct Sin, struct Cos, struct Tan, struct Sinh, struct Cosh, struct Asin, struct Acos, struct Atan,
             struct Tanh, struct Sigmoid, struct Erf, struct Relu, struct LeakyRelu, struct Elu, struct Selu, struct Gelu, struct GeluTanh,
             struct Silu, struct Softplus, struct Logsigmoid, struct Mish, struct Hardtanh, struct Clamp, struct Floor, struct Ceil,
             struct Trunc, struct Round>;

using BinaryGates = GateList<struct Add, struct Sub, struct Mul, struct Div, struct Pow, struct Maximum, struct Minimum>;

using TernaryGates = GateList<struct Lerp>;

using OptimizerRules = GateList<struct Sgd, struct Adam, struct Adagrad, struct RMSprop>;

}  // namespace gradgate
