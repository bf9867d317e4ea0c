// The extension module gradgate._core.
#include "bindings/module.h"

#include "bindings/casters.h"
#include "bindings/numpy.h"

namespace gradgate {
namespace {

// Every name without an underscore is public; __all__ says so to Python and to type checkers.
void define_public_names(pybind11::module_& m) {
  pybind11::list names;
  for (const auto& [name, value] : m.attr("__dict__").cast<pybind11::dict>())
    if (name.cast<std::string>().front() != '_') names.append(name);
  names.attr("sort")();
  m.attr("__all__") = names;
}

}  // namespace
}  // namespace gradgate

PYBIND11_MODULE(_core, m) {
  m.doc() = "The core of Gradgate: tensors, gates and the backward engine.";
  // The standard library's classes reach Python as pybind11 translates them.
  pybind11::register_exception_translator([](std::exception_ptr exception) {
    try {
      if (exception) std::rethrow_exception(exception);
    } catch (const gradgate::TypeError& e) {
      pybind11::set_error(PyExc_TypeError, e.what());
    }
  });
  gradgate::define_tensor_type(m);
  gradgate::define_dtypes(m);
  gradgate::define_configuration(m);
  gradgate::define_numpy(m);
  gradgate::define_creation(m);
  gradgate::define_random(m);
  gradgate::define_shapes(m);
  gradgate::define_joining(m);
  gradgate::define_conversions(m);
  gradgate::define_gates(m);
  gradgate::define_quotients(m);
  gradgate::define_further_names(m);
  gradgate::define_autograd(m);
  gradgate::define_optimizer(m);
  gradgate::define_clip(m);
  gradgate::define_reduce(m);
  gradgate::define_sorting(m);
  gradgate::define_fused(m);
  gradgate::define_softmax(m);
  gradgate::define_dlpack(m);
  gradgate::define_function(m);
  gradgate::define_explain(m);
  gradgate::define_watchers(m);
  gradgate::define_vitals(m);
  gradgate::define_linear_algebra(m);
  gradgate::define_gather(m);
  gradgate::define_rearrangement(m);
  gradgate::define_public_names(m);
}
