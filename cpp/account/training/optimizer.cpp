// Brings the arrays of an optimizer step into one memory order and hands them to the kernels.
#include "account/training/optimizer.h"

#include "base/host.h"
#include "gates/optimizer.h"
#include "array/copy.h"
#include "kernels/optimizer.h"

namespace gradgate {
namespace {

bool same_memory_order(const Array& a, const Array& b) {
  for (int d = 0; d < a.ndim(); ++d)
    if (a.size(d) != 1 && a.strides()[d] != b.strides()[d]) return false;
  return true;
}

// x itself when it has the memory order of `model`, which is dense, else a copy that has.
Array in_order_of(const Array& model, const Array& x) {
  if (same_memory_order(model, x)) return x;
  Array copy = empty_like(model);
  copy_elements(copy, x);
  return copy;
}

void check_like(const char* rule, const char* what, const Tensor& x, const Tensor& parameter) {
  if (x.shape() == parameter.shape() && x.dtype() == parameter.dtype()) return;
  fail<RuntimeError>(rule, ": the ", what, " has shape ", x.shape(), " and dtype ", x.dtype(), ", but its parameter has shape ",
                     parameter.shape(), " and dtype ", parameter.dtype());
}

// The working arrays of one parameter, dense and in one order.
struct Arrays {
  Array parameter, gradient, state[kMaxOptimizerStates];

  explicit Arrays(const OptimizedParameter& p) {
    const Tensor& own = p.parameter;
    parameter = is_dense(own) ? own.array() : Array::empty(own.shape(), own.dtype());
    if (!is_dense(own)) copy_elements(parameter, own);
    gradient = in_order_of(parameter, gradient_of(own));
    for (int s = 0; s < kMaxOptimizerStates; ++s)
      if (p.state[s].defined()) state[s] = in_order_of(parameter, p.state[s]);
  }

  template <class Rule, class T>
  ParameterUpdate<Rule, T> update(double step) const {
    ParameterUpdate<Rule, T> u{parameter.numel(), parameter.data<T>(), gradient.data<T>(), {}, step};
    for (int s = 0; s < Rule::states; ++s) u.state[s] = state[s].storage() ? state[s].data<T>() : nullptr;
    return u;
  }

  void write_back(const OptimizedParameter& p) const {
    write_back(p.parameter, parameter);
    for (int s = 0; s < kMaxOptimizerStates; ++s)
      if (p.state[s].defined()) write_back(p.state[s], state[s]);
  }

 private:
  static void write_back(const Tensor& to, const Array& from) {
    if (to.bytes() != from.bytes()) copy_elements(to, from);
    to.bump_version();
  }
};

template <class Rule>
void update_arrays(const Rule& rule, const std::vector<OptimizedParameter>& parameters, const std::vector<Arrays>& arrays) {
  std::vector<ParameterUpdate<Rule, float>> f32;
  std::vector<ParameterUpdate<Rule, double>> f64;
  std::int64_t elements = 0;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    elements += arrays[i].parameter.numel();
    if (arrays[i].parameter.dtype() == DType::float32)
      f32.push_back(arrays[i].update<Rule, float>(parameters[i].step));
    else
      f64.push_back(arrays[i].update<Rule, double>(parameters[i].step));
  }
  const LongWork work(elements);  // about a nanosecond each
  update_parameters(rule, f32);
  update_parameters(rule, f64);
}

template <class Rule>
void run(OptimizerOptions options, const std::vector<OptimizedParameter>& parameters) {
  Rule rule{};
  for (const auto& option : Rule::options) {
    const double value = options(option.name);
    if (option.number)
      rule.*option.number = value;
    else
      rule.*option.flag = value != 0;
  }
  for (const OptimizedParameter& p : parameters) {
    check_optimizable(Rule::name, p.parameter);
    for (const Tensor& state : p.state)
      if (state.defined()) check_like(Rule::name, "state", state, p.parameter);
  }
  const std::vector<Arrays> arrays(parameters.begin(), parameters.end());
  update_arrays(rule, parameters, arrays);
  for (std::size_t i = 0; i < arrays.size(); ++i) arrays[i].write_back(parameters[i]);
}

std::vector<OptimizerRule> make_rules() {
  std::vector<OptimizerRule> rules;
  OptimizerRules::each([&]<class Rule>() {
    static_assert(Rule::states <= kMaxOptimizerStates);
    rules.push_back({Rule::name, Rule::states, Rule::counts_steps, run<Rule>});
  });
  return rules;
}

}  // namespace

const OptimizerRule& optimizer_rule(const std::string& name) {
  static const std::vector<OptimizerRule> rules = make_rules();
  for (const OptimizerRule& rule : rules)
    if (name == rule.name) return rule;
  fail<ValueError>("there is no optimizer rule '", name, "'");
}

void check_optimizable(const char* rule, const Tensor& parameter) {
  if (!is_floating(parameter.dtype()))
    fail<RuntimeError>(rule, ": parameters are float32 or float64, but one of shape ", parameter.shape(), " is ", parameter.dtype());
  for (int d = 0; d < parameter.ndim(); ++d)
    if (parameter.strides()[d] == 0 && parameter.size(d) > 1)
      fail<RuntimeError>(rule, ": elements of the parameter of shape ", parameter.shape(), " share memory along dimension ", d,
                         ", so they cannot be updated apart; clone() the expanded tensor");
  check_like(rule, "gradient", gradient_of(parameter), parameter);
}

}  // namespace gradgate
