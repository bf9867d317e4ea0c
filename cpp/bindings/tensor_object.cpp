// The life of Tensor's Python objects: how they begin and end, keep attributes, and take part in the collection of cycles.
//
// An object comes and goes while its tensor stays, kept by a gate or as a gradient. Its attributes belong to the tensor, so that the
// next object has them again. Leaves and objects with attributes are shown to the collector: at others no cycle starts.
#include "bindings/tensor_object.h"

#include <new>

#include "bindings/tensor_type.h"

namespace py = pybind11;

namespace gradgate {
namespace {

TensorObject* object_of(PyObject* self) { return reinterpret_cast<TensorObject*>(self); }

// The attributes that outlive the object; null when there are none.
PyObject* kept_attributes(const TensorBody& body) {
  return body.record ? static_cast<PyObject*>(body.record->attributes.get()) : nullptr;
}

void release_attributes(void* attributes) { Py_DECREF(static_cast<PyObject*>(attributes)); }

// Keeps with the tensor the attributes that its object was given.
void keep_attributes(PyObject* self) {
  TensorObject* object = object_of(self);
  if (!object->attributes || object->attributes == kept_attributes(*object->body)) return;
  record_of(Tensor(object->body)).attributes = {Py_NewRef(object->attributes), release_attributes};
  if (!PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
}

int visit_body(const Ref<TensorBody>& body, visitproc visit, void* arg) {
  // What others lead to as well is not this object's alone.
  if (!body.unique() || !body->record) return 0;
  Py_VISIT(kept_attributes(*body));
  const Tensor& gradient = body->record->grad;
  if (gradient.defined() && gradient.body()->refs == 1 && gradient.body()->record) Py_VISIT(kept_attributes(*gradient.body()));
  return 0;
}

}  // namespace

PyObject* new_object(PyTypeObject* type, const Tensor& t) {
  // What Python's own allocation returns is tracked, which a tensor in the middle of a formula need not be. A leaf is: its gradient may
  // have attributes.
  PyObject* self = type == tensor_type ? reinterpret_cast<PyObject*>(PyObject_GC_New(TensorObject, type)) : type->tp_alloc(type, 0);
  if (!self) throw py::error_already_set();
  TensorObject* object = object_of(self);
  object->weak_references = nullptr;
  object->attributes = Py_XNewRef(kept_attributes(*t.body()));
  new (&object->body) Ref<TensorBody>(t.body());
  t.body()->python = self;
  if ((object->attributes || t.body()->requires_grad) && !PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
  return self;
}

void tensor_dealloc(PyObject* self) {
  TensorObject* object = object_of(self);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  // What follows may run Python code, which must not find an object that is going.
  if (object->body->python == self) object->body->python = nullptr;
  if (object->weak_references) PyObject_ClearWeakRefs(self);
  Py_CLEAR(object->attributes);
  object->body.~Ref();
  type->tp_free(self);
  Py_DECREF(type);
}

int tensor_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(object_of(self)->attributes);
  return visit_body(object_of(self)->body, visit, arg);
}

int tensor_clear(PyObject* self) {
  TensorObject* object = object_of(self);
  const auto kept = object->body.unique() && object->body->record ? std::move(object->body->record->attributes) : nullptr;
  Py_CLEAR(object->attributes);
  return 0;
}

int tensor_set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  const int status = PyObject_GenericSetAttr(self, name, value);
  keep_attributes(self);
  return status;
}

PyObject* tensor_attributes(PyObject* self, void*) {
  PyObject* attributes = PyObject_GenericGetDict(self, nullptr);
  if (attributes) keep_attributes(self);
  return attributes;
}

int tensor_replace_attributes(PyObject* self, PyObject* attributes, void*) {
  const int status = PyObject_GenericSetDict(self, attributes, nullptr);
  keep_attributes(self);
  return status;
}

}  // namespace gradgate
