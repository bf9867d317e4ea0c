// Puts plain words in place of pybind11's message about arguments that fit no form of a function.
#pragma once

#include <pybind11/pybind11.h>

namespace gradgate {

// For every function and method that the module has so far.
void explain_arguments(pybind11::module_& m);

}  // namespace gradgate
