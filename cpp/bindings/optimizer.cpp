// The optimizer step: one call for a parameter group.
#include "account/training/optimizer.h"

#include <algorithm>

#include "array/copy.h"
#include "bindings/casters.h"
#include "bindings/module.h"
#include "graph/engine/creation.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// The tensor under this key of a parameter's state; undefined when there is none, or None.
Tensor find_state(const py::dict& state, py::handle key) {
  PyObject* found = PyDict_GetItemWithError(state.ptr(), key.ptr());
  if (!found && PyErr_Occurred()) throw py::error_already_set();
  if (!found || found == Py_None) return {};
  if (!is_tensor(found))
    fail<TypeError>("the optimizer's state ", py::str(key).cast<std::string>(), " should be a tensor, but is a ", Py_TYPE(found)->tp_name);
  return unwrap(found);
}

// The parameter's array of this name, zeros in the parameter's memory order if it is new.
Tensor state_array(const py::dict& state, py::handle key, const Tensor& parameter, bool& is_new) {
  Tensor array = find_state(state, key);
  is_new = !array.defined();
  if (is_new) {
    array = Tensor(empty_like(parameter));
    copy_elements(array, full({}, 0, array.dtype()));
    state[key] = array;
  }
  return array;
}

// Counts beyond are no longer exact.
constexpr double kMostSteps = 9007199254740992;  // 2^53

// The parameter's count of updates, 0 if it is new.
Tensor state_counter(const py::dict& state) {
  static const py::str& key = *new py::str("step");
  Tensor counter = find_state(state, key);
  if (!counter.defined()) state[key] = counter = full({}, 0, DType::float64);
  if (counter.dtype() != DType::float64 || counter.numel() != 1)
    fail<RuntimeError>("the optimizer's state 'step' should be a float64 tensor of one element, but has shape ", counter.shape(),
                       " and dtype ", counter.dtype());
  const double steps = *counter.data<double>();
  if (!(steps >= 0 && steps < kMostSteps)) fail<RuntimeError>("the optimizer's state 'step' should count updates, but is ", steps);
  return counter;
}

OptimizedParameter with_state(const OptimizerRule& rule, const Tensor& parameter, const py::dict& state, const py::tuple& names) {
  OptimizedParameter p{parameter, {}, 2};
  for (int s = 0; s < rule.states; ++s) {
    const py::object key = names[static_cast<std::size_t>(s)];
    bool is_new = false;
    if (!key.is_none()) p.state[s] = state_array(state, key, parameter, is_new);
    if (is_new) p.step = 1;
  }
  return p;
}

void optimizer_step(const std::string& name, const py::list& params, const py::dict& states, const py::tuple& names,
                    const py::dict& options) {
  const OptimizerRule& rule = optimizer_rule(name);
  if (names.size() != static_cast<std::size_t>(rule.states))
    fail<ValueError>(name, ": the rule has ", rule.states, " state arrays, but got ", names.size(), " names");
  std::vector<std::pair<Tensor, py::object>> with_gradient;
  each_item(params, [&](const py::object& param) {
    if (!is_tensor(param.ptr())) fail<TypeError>(name, ": params must be tensors, got ", Py_TYPE(param.ptr())->tp_name);
    Tensor parameter = unwrap(param.ptr());
    if (!gradient_of(parameter).defined()) return true;
    check_optimizable(rule.name, parameter);
    with_gradient.emplace_back(std::move(parameter), param);
    return true;
  });
  const bool has_state = rule.counts_steps || std::any_of(names.begin(), names.end(), [](py::handle key) { return !key.is_none(); });
  std::vector<OptimizedParameter> parameters;
  std::vector<Tensor> counters;
  for (const auto& [parameter, param] : with_gradient) {
    if (has_state && !states.contains(param)) states[param] = py::dict();
    const py::dict state = has_state ? py::dict(states[param]) : py::dict();
    parameters.push_back(with_state(rule, parameter, state, names));
    if (!rule.counts_steps) continue;
    counters.push_back(state_counter(state));
    parameters.back().step = *counters.back().data<double>() + 1;
  }
  const auto option = [&](const char* key) {
    const py::object value = options[key];
    const double number = PyFloat_AsDouble(value.ptr());
    if (number != -1 || !PyErr_Occurred()) return number;
    PyErr_Clear();
    fail<TypeError>(name, ": ", key, " must be a number, got ", Py_TYPE(value.ptr())->tp_name);
  };
  rule.run(option, parameters);
  for (const Tensor& counter : counters) {
    *counter.data<double>() += 1;
    counter.bump_version();
  }
}

}  // namespace

void define_optimizer(py::module_& m) {
  m.def("_optimizer_step", optimizer_step, py::arg("rule"), py::arg("params"), py::arg("states"), py::arg("names"), py::arg("options"),
        "Updates in place every one of params that has a gradient, by the named rule.\n\n"
        "states maps parameters to dicts of state tensors, in which the rule's arrays have these names (None for one that the\n"
        "options need not); missing ones are made. Raises RuntimeError, and changes no parameter, when a gradient or a state\n"
        "tensor does not have its parameter's shape and dtype.");
}

}  // namespace gradgate
