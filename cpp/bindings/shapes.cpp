// Shapes: the properties that tell them and the gates that change them.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/copy.h"
#include "graph/view.h"

namespace py = pybind11;

namespace gradgate {

void define_shapes(py::module_&) {
  define_property("shape", [](const Tensor& t) { return t.shape(); }, "The sizes of the dimensions.");
  define_property("ndim", [](const Tensor& t) { return t.ndim(); }, "The number of dimensions.");
  define_property("dtype", [](const Tensor& t) { return t.dtype(); }, "The type of the elements.");
  define_method("numel", [](const Tensor& t) { return t.numel(); }, "The number of elements.");
}

}  // namespace gradgate
