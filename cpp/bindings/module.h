// The parts of the extension module, each defined in a file of its own.
#pragma once

#include <pybind11/pybind11.h>

namespace gradgate {

void define_gates(pybind11::module_& m);
void define_quotients(pybind11::module_& m);
void define_further_names(pybind11::module_& m);
void define_autograd(pybind11::module_& m);
void define_creation(pybind11::module_& m);
void define_random(pybind11::module_& m);
void define_shapes(pybind11::module_& m);
void define_joining(pybind11::module_& m);
void define_conversions(pybind11::module_& m);
void define_configuration(pybind11::module_& m);
void define_optimizer(pybind11::module_& m);
void define_clip(pybind11::module_& m);
void define_reduce(pybind11::module_& m);
void define_sorting(pybind11::module_& m);
void define_fused(pybind11::module_& m);
void define_softmax(pybind11::module_& m);
void define_dlpack(pybind11::module_& m);
void define_function(pybind11::module_& m);
void define_explain(pybind11::module_& m);
void define_watchers(pybind11::module_& m);
void define_vitals(pybind11::module_& m);
void define_linear_algebra(pybind11::module_& m);
void define_gather(pybind11::module_& m);
void define_rearrangement(pybind11::module_& m);
void define_ufunc();

}  // namespace gradgate
