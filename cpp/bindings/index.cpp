// Reads Python's index expressions.
#include "bindings/index.h"

#include "bindings/casters.h"
#include "graph/view.h"
#include "graph/view_history.h"

namespace py = pybind11;

namespace gradgate {

Tensor get_item(const Tensor& x, PyObject* index) {
  const std::int64_t i = PyLong_AsLongLong(index);
  if (i == -1 && PyErr_Occurred()) throw py::error_already_set();
  if (x.ndim() == 0 || i < -x.size(0) || i >= x.size(0))
    fail<IndexError>("index ", i, " is out of bounds for dimension 0 with size ", x.ndim() ? x.size(0) : 0);
  return select_index(x, 0, i < 0 ? i + x.size(0) : i);
}

void set_item(const Tensor& x, PyObject* index, PyObject* value) {
  const Tensor target = get_item(x, index);
  check_writable("setitem", target);
  replace("setitem", target, expand(operand_from(value), target.shape()));
}

}  // namespace gradgate
