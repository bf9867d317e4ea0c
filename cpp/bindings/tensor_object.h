// What the Tensor type needs of its objects' life.
#pragma once

#include <pybind11/pybind11.h>

#include "graph/engine/tensor.h"

namespace gradgate {

// A new object of the type for a tensor that has none.
PyObject* new_object(PyTypeObject* type, const Tensor& t);

// The type's slots for the end of an object, the collector of cycles, and attributes of its own.
void tensor_dealloc(PyObject* self);
int tensor_traverse(PyObject* self, visitproc visit, void* arg);
int tensor_clear(PyObject* self);
int tensor_set_attribute(PyObject* self, PyObject* name, PyObject* value);

// The property __dict__.
PyObject* tensor_attributes(PyObject* self, void*);
int tensor_replace_attributes(PyObject* self, PyObject* attributes, void*);

}  // namespace gradgate
