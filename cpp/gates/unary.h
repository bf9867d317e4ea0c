// The gates of one input, y = f(x), each with its local gradient dy/dx.
#pragma once

#include "gates/gate.h"
#include "gates/lists.h"

namespace gradgate {

inline constexpr double kSqrtHalf = 0.70710678118654752440;       // sqrt(1/2)
inline constexpr double kInvSqrtTwoPi = 0.39894228040143267794;   // 1/sqrt(2 pi)
inline constexpr double kTwoOverSqrtPi = 1.12837916709551257390;  // 2/sqrt(pi)
inline constexpr double kSqrtTwoOverPi = 0.79788456080286535588;  // sqrt(2/pi)

struct Neg {
  static constexpr GateInfo info{"neg", "Negation, -x.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) { return -x; }
  template <class V> static constexpr V local(V, V) { return V(-1); }
};

struct Abs {
  static constexpr GateInfo info{"abs", "Absolute value, |x|; its gradient at 0 is 0.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) { return abs(x); }
  template <class V> static constexpr V local(V x, V) { return select(x > V(0), V(1), select(x < V(0), V(-1), V(0))); }
};

struct Sign {
  static constexpr GateInfo info{"sign", "Sign, -1, 0 or 1; its gradient is 0.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) { return select(x > V(0), V(1), select(x < V(0), V(-1), V(0))); }
  template <class V> static constexpr V local(V, V) { return V(0); }
};

struct Square {
  static constexpr GateInfo info{"square", "Square, x * x.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) { return x * x; }
  template <class V> static constexpr V local(V x, V) { return V(2) * x; }
};

struct Reciprocal {
  static constexpr GateInfo info{"reciprocal", "Reciprocal, 1 / x.", 0};
  template <class V> static constexpr V forward(V x) { return V(1) / x; }
  template <class V> static constexpr V local(V, V y) { return -(y * y); }
};

struct Sqrt {
  static constexpr GateInfo info{"sqrt", "Square root.", 0};
  template <class V> static constexpr V forward(V x) { return sqrt(x); }
  template <class V> static constexpr V local(V, V y) { return V(0.5) / y; }
};

struct Rsqrt {
  static constexpr GateInfo info{"rsqrt", "Reciprocal square root, 1 / sqrt(x).", 1.5};
  template <class V> static constexpr V forward(V x) { return V(1) / sqrt(x); }
  template <class V> static constexpr V local(V, V y) { return V(-0.5) * (y * y * y); }
};

struct Exp {
  static constexpr GateInfo info{"exp", "Exponential, e^x.", 1.5};
  template <class V> static constexpr V forward(V x) { return exp(x); }
  template <class V> static constexpr V local(V, V y) { return y; }
};

struct Expm1 {
  static constexpr GateInfo info{"expm1", "exp(x) - 1, accurate near 0.", 1.5};
  template <class V> static constexpr V forward(V x) { return expm1(x); }
  template <class V> static constexpr V local(V, V y) { return y + V(1); }
};

struct Log {
  static constexpr GateInfo info{"log", "Natural logarithm.", 1.5};
  template <class V> static constexpr V forward(V x) { return log(x); }
  template <class V> static constexpr V local(V x, V) { return V(1) / x; }
};

struct Log1p {
  static constexpr GateInfo info{"log1p", "log(1 + x), accurate near 0.", 1.5};
  template <class V> static constexpr V forward(V x) { return log1p(x); }
  template <class V> static constexpr V local(V x, V) { return V(1) / (V(1) + x); }
};

struct Sin {
  static constexpr GateInfo info{"sin", "Sine, x in radians.", 1.5};
  template <class V> static constexpr V forward(V x) { return sin(x); }
  template <class V> static constexpr V local(V x, V) { return cos(x); }
};

struct Cos {
  static constexpr GateInfo info{"cos", "Cosine, x in radians.", 1.5};
  template <class V> static constexpr V forward(V x) { return cos(x); }
  template <class V> static constexpr V local(V x, V) { return -sin(x); }
};

struct Tan {
  static constexpr GateInfo info{"tan", "Tangent, x in radians.", 1.5};
  template <class V> static constexpr V forward(V x) { return tan(x); }
  template <class V> static constexpr V local(V, V y) { return V(1) + y * y; }
};

struct Sinh {
  static constexpr GateInfo info{"sinh", "Hyperbolic sine.", 1.5};
  template <class V> static constexpr V forward(V x) { return sinh(x); }
  template <class V> static constexpr V local(V x, V) { return cosh(x); }
};

struct Cosh {
  static constexpr GateInfo info{"cosh", "Hyperbolic cosine.", 1.5};
  template <class V> static constexpr V forward(V x) { return cosh(x); }
  template <class V> static constexpr V local(V x, V) { return sinh(x); }
};

struct Asin {
  static constexpr GateInfo info{"asin", "Inverse sine, in radians.", 1.5};
  template <class V> static constexpr V forward(V x) { return asin(x); }
  template <class V> static constexpr V local(V x, V) { return V(1) / sqrt(V(1) - x * x); }
};

struct Acos {
  static constexpr GateInfo info{"acos", "Inverse cosine, in radians.", 1.5};
  template <class V> static constexpr V forward(V x) { return acos(x); }
  template <class V> static constexpr V local(V x, V) { return V(-1) / sqrt(V(1) - x * x); }
};

struct Atan {
  static constexpr GateInfo info{"atan", "Inverse tangent, in radians.", 1.5};
  template <class V> static constexpr V forward(V x) { return atan(x); }
  template <class V> static constexpr V local(V x, V) { return V(1) / (V(1) + x * x); }
};

struct Tanh {
  static constexpr GateInfo info{"tanh", "Hyperbolic tangent.", 1.5};
  template <class V> static constexpr V forward(V x) { return tanh(x); }
  template <class V> static constexpr V local(V, V y) { return V(1) - y * y; }
};

struct Sigmoid {
  static constexpr GateInfo info{"sigmoid", "Logistic sigmoid, 1 / (1 + exp(-x)).", 2.5};
  template <class V> static constexpr V forward(V x) { return V(1) / (V(1) + exp(-x)); }
  template <class V> static constexpr V local(V, V y) { return y * (V(1) - y); }
};

struct Erf {
  static constexpr GateInfo info{"erf", "Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.", 1.5};
  template <class V> static constexpr V forward(V x) { return erf(x); }
  template <class V> static constexpr V local(V x, V) { return V(kTwoOverSqrtPi) * exp(-(x * x)); }
};

struct Relu {
  static constexpr GateInfo info{"relu", "Rectified linear unit, max(x, 0); its gradient at 0 is 0.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) { return select(x <= V(0), V(0), x); }
  template <class V> static constexpr V local(V, V y) { return select(y <= V(0), V(0), V(1)); }
};

struct LeakyRelu {
  static constexpr GateInfo info{"leaky_relu", "x where x > 0, else negative_slope * x.", 0, Integers::promote,
                                 {{"negative_slope", 0.01}}};
  template <class V> static constexpr V forward(V x, V negative_slope) { return select(x > V(0), x, negative_slope * x); }
  template <class V> static constexpr V local(V x, V, V negative_slope) { return select(x > V(0), V(1), negative_slope); }
};

struct Elu {
  static constexpr GateInfo info{"elu", "x where x > 0, else alpha * (exp(x) - 1).", 2, Integers::promote,
                                 {{"alpha", 1.0}}};
  template <class V> static constexpr V forward(V x, V alpha) { return select(x > V(0), x, alpha * expm1(x)); }
  template <class V> static constexpr V local(V x, V, V alpha) { return select(x > V(0), V(1), alpha * exp(x)); }
};

struct Selu {
  static constexpr GateInfo info{"selu", "scale * (x where x > 0, else alpha * (exp(x) - 1)).", 3, Integers::promote, {},
                                 "Constants: Klambauer et al., Self-Normalizing Neural Networks (2017)."};
  static constexpr double kAlpha = 1.6732632423543772848170429916717;
  static constexpr double kScale = 1.0507009873554804934193349852946;
  template <class V> static constexpr V forward(V x) { return V(kScale) * select(x > V(0), x, V(kAlpha) * expm1(x)); }
  template <class V> static constexpr V local(V x, V) { return V(kScale) * select(x > V(0), V(1), V(kAlpha) * exp(x)); }
};

struct Gelu {
  static constexpr GateInfo info{"gelu",
                                 "Gaussian error linear unit, x * (1 + erf(x / sqrt(2))) / 2.",
                                 3,
                                 Integers::promote,
                                 {},
                                 "Hendrycks and Gimpel (2016)."};
  template <class V> static constexpr V forward(V x) { return V(0.5) * x * (V(1) + erf(x * V(kSqrtHalf))); }
  template <class V> static constexpr V local(V x, V) {
    return V(0.5) * (V(1) + erf(x * V(kSqrtHalf))) + x * (V(kInvSqrtTwoPi) * exp(V(-0.5) * x * x));
  }
};

struct GeluTanh {
  static constexpr GateInfo info{"gelu_tanh",
                                 "GELU's tanh approximation, x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2.",
                                 3,
                                 Integers::promote,
                                 {},
                                 "Hendrycks and Gimpel (2016)."};
  static constexpr double kCubic = 0.044715;
  template <class V> static constexpr V inner(V x) { return tanh(V(kSqrtTwoOverPi) * (x + V(kCubic) * x * x * x)); }
  template <class V> static constexpr V forward(V x) { return V(0.5) * x * (V(1) + inner(x)); }
  template <class V> static constexpr V local(V x, V) {
    V t = inner(x);
    return V(0.5) * (V(1) + t) + V(0.5) * x * (V(1) - t * t) * (V(kSqrtTwoOverPi) * (V(1) + V(3 * kCubic) * x * x));
  }
};

struct Silu {
  static constexpr GateInfo info{"silu", "Sigmoid linear unit (swish), x / (1 + exp(-x)).", 3};
  template <class V> static constexpr V forward(V x) { return x / (V(1) + exp(-x)); }
  template <class V> static constexpr V local(V x, V) {
    V s = Sigmoid::forward(x);
    return s * (V(1) + x * (V(1) - s));
  }
};

struct Softplus {
  static constexpr GateInfo info{"softplus", "log(1 + exp(beta * x)) / beta; x itself where beta * x > threshold.", 3,
                                 Integers::promote, {{"beta", 1.0}, {"threshold", 20.0}}};
  template <class V> static constexpr V forward(V x, V beta, V threshold) {
    V z = beta * x;
    return select(z > threshold, x, log1p(exp(z)) / beta);
  }
  template <class V> static constexpr V local(V x, V, V beta, V threshold) {
    V z = beta * x;
    return select(z > threshold, V(1), Sigmoid::forward(z));
  }
};

struct Logsigmoid {
  static constexpr GateInfo info{"logsigmoid", "log(sigmoid(x)).", 3};
  template <class V> static constexpr V forward(V x) { return select(x < V(0), x, V(0)) - log1p(exp(-abs(x))); }
  template <class V> static constexpr V local(V x, V) { return V(1) / (V(1) + exp(x)); }
};

struct Mish {
  static constexpr GateInfo info{"mish", "x * tanh(log(1 + exp(x))).", 4, Integers::promote, {}, "Misra (2019)."};
  template <class V> static constexpr V gate(V x) { return tanh(select(x > V(20), x, log1p(exp(x)))); }
  template <class V> static constexpr V forward(V x) { return x * gate(x); }
  template <class V> static constexpr V local(V x, V) {
    V t = gate(x);
    return t + x * (V(1) - t * t) * Sigmoid::forward(x);
  }
};

struct Hardtanh {
  static constexpr GateInfo info{"hardtanh", "x limited to [min_val, max_val]; its gradient at the limits is 0.", 0,
                                 Integers::promote, {{"min_val", -1.0}, {"max_val", 1.0}}};
  template <class V> static constexpr V forward(V x, V low, V high) { return select(x < low, low, select(x > high, high, x)); }
  template <class V> static constexpr V local(V x, V, V low, V high) { return select(x <= low, V(0), select(x >= high, V(0), V(1))); }
};

struct Clamp {
  static constexpr GateInfo info{"clamp", "x limited to [min, max], NaN if any of them is; its gradient at the limits is 1.",
                                 0, Integers::promote, {{"min", -__builtin_inf()}, {"max", __builtin_inf()}}};
  template <class V> static constexpr V forward(V x, V low, V high) {
    V above = select(x >= low, x, select(x == x, low, x));
    return select(above <= high, above, select(above == above, high, above));
  }
  template <class V> static constexpr V local(V x, V, V low, V high) { return select(x >= low, select(x <= high, V(1), V(0)), V(0)); }
};

struct Floor {
  static constexpr GateInfo info{"floor", "Largest integer not above x; its gradient is 0.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) { return floor(x); }
  template <class V> static constexpr V local(V, V) { return V(0); }
};

struct Ceil {
  static constexpr GateInfo info{"ceil", "Smallest integer not below x; its gradient is 0.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) { return -floor(-x); }
  template <class V> static constexpr V local(V, V) { return V(0); }
};

struct Trunc {
  static constexpr GateInfo info{"trunc", "x without its fraction, rounded towards zero; its gradient is 0.", 0,
                                 Integers::keep};
  template <class V> static constexpr V forward(V x) { return select(x < V(0), -floor(-x), floor(x)); }
  template <class V> static constexpr V local(V, V) { return V(0); }
};

struct Round {
  static constexpr GateInfo info{"round", "Nearest integer, the even one of two; its gradient is 0.", 0, Integers::keep};
  template <class V> static constexpr V forward(V x) {
    const V below = floor(x), fraction = x - below, half = below * V(0.5);
    const V even = select(floor(half) == half, below, below + V(1));
    const V nearest = select(fraction < V(0.5), below, select(fraction > V(0.5), below + V(1), even));
    return select(nearest == V(0), x * V(0), nearest);  // zeros keep x's sign
  }
  template <class V> static constexpr V local(V, V) { return V(0); }
};

}  // namespace gradgate
