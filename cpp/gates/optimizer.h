// The optimizers' update rules, each defined once for one parameter p, its gradient g and its state.
//
// A rule is a struct of its options (PyTorch's names). `at(step)` works out in double what the options
// mean at the step-th update of a parameter, counted from 1; a rule that needs no count knows the first
// update (1) from the later ones (2). `update` is the formula over a value type V with the vocabulary of
// gate.h. State that the options do not ask for is never read or written.
#pragma once

#include "gates/gate.h"
#include "gates/lists.h"

namespace gradgate {

// An option of a rule by the name it has in Python: a number or a flag.
template <class Rule>
struct RuleOption {
  const char* name;
  double Rule::*number = nullptr;
  bool Rule::*flag = nullptr;

  constexpr RuleOption(const char* option, double Rule::*member) : name(option), number(member) {}
  constexpr RuleOption(const char* option, bool Rule::*member) : name(option), flag(member) {}
};

// base^exponent for a whole exponent >= 0, by squaring: products alone have the same bits on every
// platform, which the C library's pow has not.
inline double whole_power(double base, double exponent) {
  double power = 1;
  for (auto bits = static_cast<unsigned long long>(exponent); bits; bits >>= 1, base *= base)
    if (bits & 1) power *= base;
  return power;
}

// The gradient to follow: turned round to maximize, with the gradient of 0.5 * weight_decay * p^2 added.
template <class V, class Numbers>
inline V penalized_gradient(const Numbers& k, V p, V g) {
  if (k.maximize) g = -g;
  return k.weight_decay != 0 ? fma(V(k.weight_decay), p, g) : g;
}

// The running mean m of x: it moves towards x by `weight` of the way.
template <class V>
inline V moved_towards(V m, V x, double weight) {
  return fma(V(weight), x - m, m);
}

// The running mean of squares: keep * v + weight * g^2.
template <class V>
inline V mean_square(V v, V g, double keep, double weight) {
  return fma(V(keep), v, V(weight) * g * g);
}

struct Sgd {
  static constexpr const char* name = "sgd";
  static constexpr bool counts_steps = false;
  static constexpr int states = 1;  // momentum_buffer, when momentum != 0
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
  static constexpr RuleOption<Sgd> options[] = {{"lr", &Sgd::lr},
                                                {"momentum", &Sgd::momentum},
                                                {"dampening", &Sgd::dampening},
                                                {"weight_decay", &Sgd::weight_decay},
                                                {"nesterov", &Sgd::nesterov},
                                                {"maximize", &Sgd::maximize}};

  struct Numbers {
    double lr, momentum, weight, weight_decay;  // weight: of the gradient in the buffer
    bool first, nesterov, maximize;
  };
  // The first gradient enters the buffer undamped, as in PyTorch.
  Numbers at(double step) const { return {lr, momentum, 1 - dampening, weight_decay, step == 1, nesterov, maximize}; }

  template <class V>
  static void update(const Numbers& k, V& p, V g, V (&state)[states]) {
    g = penalized_gradient(k, p, g);
    if (k.momentum != 0) {
      V& buffer = state[0];
      buffer = k.first ? g : fma(V(k.momentum), buffer, V(k.weight) * g);
      g = k.nesterov ? fma(V(k.momentum), buffer, g) : buffer;
    }
    p = fma(V(-k.lr), g, p);
  }
};

// Adam (Kingma and Ba, 2015), AdamW (Loshchilov and Hutter, 2019) with decoupled_weight_decay.
struct Adam {
  static constexpr const char* name = "adam";
  static constexpr bool counts_steps = true;
  static constexpr int states = 3;  // exp_avg, exp_avg_sq; max_exp_avg_sq with amsgrad
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled_weight_decay, amsgrad, maximize;
  static constexpr RuleOption<Adam> options[] = {{"lr", &Adam::lr},
                                                 {"beta1", &Adam::beta1},
                                                 {"beta2", &Adam::beta2},
                                                 {"eps", &Adam::eps},
                                                 {"weight_decay", &Adam::weight_decay},
                                                 {"decoupled_weight_decay", &Adam::decoupled_weight_decay},
                                                 {"amsgrad", &Adam::amsgrad},
                                                 {"maximize", &Adam::maximize}};

  struct Numbers {
    double step_size;       // lr / (1 - beta1^step)
    double root_scale;      // 1 / sqrt(1 - beta2^step)
    double mean_weight;     // 1 - beta1
    double square_keep;     // beta2
    double square_weight;   // 1 - beta2
    double eps, weight_decay;
    double shrink;          // 1 - lr * weight_decay when the decay is decoupled, else 1
    bool amsgrad, maximize;
  };
  Numbers at(double step) const {
    return {lr / (1 - whole_power(beta1, step)),
            1 / __builtin_sqrt(1 - whole_power(beta2, step)),
            1 - beta1,
            beta2,
            1 - beta2,
            eps,
            decoupled_weight_decay ? 0 : weight_decay,
            decoupled_weight_decay ? 1 - lr * weight_decay : 1,
            amsgrad,
            maximize};
  }

  template <class V>
  static void update(const Numbers& k, V& p, V g, V (&state)[states]) {
    g = penalized_gradient(k, p, g);
    if (k.shrink != 1) p = V(k.shrink) * p;
    V& mean = state[0];
    V& square = state[1];
    V& largest = state[2];
    mean = moved_towards(mean, g, k.mean_weight);
    square = mean_square(square, g, k.square_keep, k.square_weight);
    if (k.amsgrad) largest = select(square <= largest, largest, square);
    const V root = sqrt(k.amsgrad ? largest : square);
    p = p - (V(k.step_size) * mean) / fma(V(k.root_scale), root, V(k.eps));
  }
};

// Adagrad (Duchi, Hazan and Singer, 2011).
struct Adagrad {
  static constexpr const char* name = "adagrad";
  static constexpr bool counts_steps = true;
  static constexpr int states = 1;  // sum
  double lr, lr_decay, eps, weight_decay;
  bool maximize;
  static constexpr RuleOption<Adagrad> options[] = {{"lr", &Adagrad::lr},
                                                    {"lr_decay", &Adagrad::lr_decay},
                                                    {"eps", &Adagrad::eps},
                                                    {"weight_decay", &Adagrad::weight_decay},
                                                    {"maximize", &Adagrad::maximize}};

  struct Numbers {
    double step_size, eps, weight_decay;  // step_size: lr / (1 + (step - 1) * lr_decay)
    bool maximize;
  };
  Numbers at(double step) const { return {lr / (1 + (step - 1) * lr_decay), eps, weight_decay, maximize}; }

  template <class V>
  static void update(const Numbers& k, V& p, V g, V (&state)[states]) {
    g = penalized_gradient(k, p, g);
    V& sum = state[0];
    sum = fma(g, g, sum);
    p = p - (V(k.step_size) * g) / (sqrt(sum) + V(k.eps));
  }
};

// RMSprop (Hinton's lecture notes); the centered form is that of Graves, 2013.
struct RMSprop {
  static constexpr const char* name = "rmsprop";
  static constexpr bool counts_steps = true;
  static constexpr int states = 3;  // square_avg; momentum_buffer when momentum != 0; grad_avg when centered
  double lr, alpha, eps, weight_decay, momentum;
  bool centered, maximize;
  static constexpr RuleOption<RMSprop> options[] = {{"lr", &RMSprop::lr},
                                                    {"alpha", &RMSprop::alpha},
                                                    {"eps", &RMSprop::eps},
                                                    {"weight_decay", &RMSprop::weight_decay},
                                                    {"momentum", &RMSprop::momentum},
                                                    {"centered", &RMSprop::centered},
                                                    {"maximize", &RMSprop::maximize}};

  struct Numbers {
    double lr, keep, weight, eps, weight_decay, momentum;  // keep: alpha, weight: 1 - alpha
    bool centered, maximize;
  };
  Numbers at(double) const { return {lr, alpha, 1 - alpha, eps, weight_decay, momentum, centered, maximize}; }

  template <class V>
  static void update(const Numbers& k, V& p, V g, V (&state)[states]) {
    g = penalized_gradient(k, p, g);
    V& square = state[0];
    V& buffer = state[1];
    V& mean = state[2];
    square = mean_square(square, g, k.keep, k.weight);
    V variance = square;
    if (k.centered) {
      mean = moved_towards(mean, g, k.weight);
      variance = fma(-mean, mean, square);
      variance = select(variance < V(0), V(0), variance);  // rounding can carry a steady gradient's below 0
    }
    V change = g / (sqrt(variance) + V(k.eps));
    if (k.momentum != 0) {
      buffer = fma(V(k.momentum), buffer, change);
      change = buffer;
    }
    p = fma(V(-k.lr), change, p);
  }
};

}  // namespace gradgate
