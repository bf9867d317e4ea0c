// The extension module gradgate._core.
#include "bindings/module.h"

#include "bindings/casters.h"
#include "bindings/numpy.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The core of Gradgate: tensors, gates and the backward engine.";
  gradgate::define_tensor_type(m);
  gradgate::define_dtypes(m);
  gradgate::define_configuration(m);
  gradgate::define_numpy(m);
  gradgate::define_creation(m);
  gradgate::define_shapes(m);
  gradgate::define_gates(m);
  gradgate::define_autograd(m);
  gradgate::define_optimizer(m);
  gradgate::define_reduce(m);
  gradgate::define_softmax(m);
  gradgate::define_function(m);
  gradgate::define_linear_algebra(m);
}
