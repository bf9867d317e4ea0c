// Recording, gradients and hooks: what of autograd is on Tensor and in the module.
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/backward/sweep.h"
#include "graph/engine/hooks.h"
#include "graph/engine/node.h"
#include "graph/engine/phrase.h"
#include "graph/engine/record.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// grad_fn in Python: a reference to the node.
struct NodeHandle {
  Ref<Node> node;
};

py::object node_object(const Ref<Node>& node) { return node ? py::cast(NodeHandle{node}) : py::none(); }

// Takes the hook off again.
struct HookHandle {
  Tensor tensor;
  Ref<Node> node;
  std::uint64_t key;

  void remove() {
    // Emptied first: what the hook held may run Python when it goes, and Python may come back here.
    const Ref<Node> from = std::move(node);
    const Tensor of = std::move(tensor);
    if (from && from->hooks()) from->hooks()->remove(key);
  }
};

HookHandle register_hook(const Tensor& t, const py::function& hook) {
  HookList& list = hooks_of(t);
  const std::uint64_t key = list.add(output_of(t), [hook](const Tensor& gradient) -> Tensor {
    const py::object result = until_exit([&] { return hook(gradient); });
    if (result.is_none()) return {};
    if (!is_tensor(result.ptr())) fail<TypeError>("register_hook: a hook must return None or a Tensor");
    return unwrap(result.ptr());
  });
  return {t, gradient_node(t), key};
}

void retain_grad(const Tensor& t) {
  if (!t.requires_grad()) fail<RuntimeError>("can't retain_grad on Tensor that has requires_grad=False");
  if (t.is_leaf()) return;
  GraphRecord& record = record_of(t);
  if (std::exchange(record.retains_grad, true)) return;
  hooks_of(t).retain(output_of(t), t.body()->record);
}

Tensor require_grad(const Tensor& t, bool requires_grad) {
  if (!t.is_leaf()) {
    if (!requires_grad)
      fail<RuntimeError>("you can only change requires_grad flags of leaf variables; use detach() for a tensor off the graph");
    return t;
  }
  if (requires_grad && !is_floating(t.dtype()))
    fail<RuntimeError>("only Tensors of floating point dtype can require gradients, got ", t.dtype());
  if (requires_grad) leave_base(t);
  t.body()->requires_grad = requires_grad;
  return t;
}

void set_gradient(const Tensor& t, const std::optional<Tensor>& gradient) {
  if (gradient && gradient->same(t)) fail<RuntimeError>("grad: a tensor cannot be its own gradient; assign a clone()");
  if (gradient && (!(gradient->shape() == t.shape()) || gradient->dtype() != t.dtype()))
    fail<RuntimeError>("assigned grad of ", gradient->dtype(), " and shape ", gradient->shape(), " to a tensor of ", t.dtype(),
                       " and shape ", t.shape(), "; they must be the same");
  if (gradient || t.body()->record) record_of(t).grad = gradient.value_or(Tensor());
}

std::vector<Tensor> tensors_from(const char* operation, const py::object& source) {
  std::vector<Tensor> tensors;
  if (source.is_none()) return tensors;
  if (is_tensor(source.ptr())) return {unwrap(source.ptr())};
  for (py::handle element : source) {
    if (element.is_none()) {
      tensors.emplace_back();
      continue;
    }
    if (!is_tensor(element.ptr())) fail<TypeError>(operation, ": expected tensors, got ", Py_TYPE(element.ptr())->tp_name);
    tensors.push_back(unwrap(element.ptr()));
  }
  return tensors;
}

std::vector<Tensor> restricting_inputs(const py::object& inputs) {
  std::vector<Tensor> tensors = tensors_from("backward", inputs);
  if (tensors.empty() && !inputs.is_none()) fail<RuntimeError>("backward: inputs cannot be empty; leave it out for all leaves");
  return tensors;
}

void define_grad_fn(py::module_& m) {
  py::class_<NodeHandle>(m, "Node", "A gate in the graph.")
      .def("name", [](const NodeHandle& h) { return h.node->name(); })
      .def_property_readonly(
          "next_functions",
          [](const NodeHandle& h) {
            py::tuple edges(static_cast<std::size_t>(h.node->input_count()));
            for (int i = 0; i < h.node->input_count(); ++i)
              edges[static_cast<std::size_t>(i)] = py::make_tuple(node_object(h.node->input(i).node), h.node->input(i).output);
            return edges;
          },
          "For each input, the gate that made it (None where no gradient flows) and which of its outputs it is.")
      .def("__repr__", [](const NodeHandle& h) { return std::string("<") + h.node->name() + ">"; })
      .def("__eq__", [](const NodeHandle& a, const NodeHandle& b) { return a.node == b.node; })
      .def("__hash__", [](const NodeHandle& h) { return std::hash<const void*>()(h.node.get()); });
  py::class_<HookHandle>(m, "RemovableHandle", "What register_hook returns: remove() takes the hook off, as does leaving a with block.")
      .def("remove", &HookHandle::remove, "Takes the hook off; a second call does nothing.")
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](HookHandle& self, const py::args&) { self.remove(); });
}

void define_gradient_properties() {
  define_property("requires_grad", [](const Tensor& t) { return t.requires_grad(); },
                  [](const Tensor& t, bool value) { require_grad(t, value); }, "Whether gradients flow to this tensor.");
  define_method("requires_grad_", require_grad, "Sets requires_grad of a leaf and returns the tensor.", py::arg("requires_grad") = true);
  define_property("grad", gradient_of, set_gradient, "The gradient that backward() accumulated, or None.");
  define_property("grad_fn", [](const Tensor& t) { return t.is_leaf() ? py::object(py::none()) : node_object(gradient_node(t)); },
                  "The gate that made this tensor, None for a leaf.");
  define_property("is_leaf", [](const Tensor& t) { return t.is_leaf(); }, "Whether no recorded gate made this tensor.");
  define_property("retains_grad", [](const Tensor& t) { return t.body()->record && t.body()->record->retains_grad; },
                  "Whether backward() keeps the gradient of this tensor, which is no leaf.");
  define_property("_version", [](const Tensor& t) { return t.version(); }, "Counts the in-place changes of the tensor's memory.");
}

// With keywords the generic binding layer takes 0.3 us, more than the sweep of a small gate.
PyObject* tensor_backward(PyObject* self, PyObject* args, PyObject* keywords) {
  return guarded([&]() -> PyObject* {
    static const char* names[] = {"gradient", "retain_graph", "create_graph", "inputs", nullptr};
    PyObject *gradient = Py_None, *retain_graph = Py_None, *inputs = Py_None;
    int create_graph = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|OOpO:backward", const_cast<char**>(names), &gradient, &retain_graph, &create_graph,
                                     &inputs))
      return nullptr;
    const Tensor upstream = gradient == Py_None ? Tensor() : operand_from(gradient);
    if (gradient != Py_None && !upstream.defined())
      fail<TypeError>("backward: gradient must be a Tensor or None, got ", Py_TYPE(gradient)->tp_name);
    const int retain = retain_graph == Py_None ? create_graph : PyObject_IsTrue(retain_graph);
    if (retain < 0) return nullptr;
    backward({unwrap(self)}, {upstream}, restricting_inputs(py::reinterpret_borrow<py::object>(inputs)), {retain != 0, create_graph != 0});
    Py_RETURN_NONE;
  });
}

constexpr const char* kBackwardDocumentation =
    "backward(self: gradgate.Tensor, gradient: gradgate.Tensor | None = None, retain_graph: bool | None = None, "
    "create_graph: bool = False, inputs: object = None) -> None\n\n"
    "Adds the gradients of this tensor to the .grad of the leaves it was computed from.\n\n"
    "gradient is the upstream gradient, of this tensor's shape, needed unless it has one element. retain_graph keeps what the\n"
    "forward pass saved for another backward. create_graph records the gradients' own graph. inputs restricts the accumulation.\n\n"
    "Raises RuntimeError off the graph, on a second backward, without gradient on more than one element.";

// What gradgate.autograd's functions are made of.
void define_sweeps(py::module_& m) {
  m.def(
      "_backward",
      [](const py::object& tensors, const py::object& gradients, bool retain_graph, bool create_graph, const py::object& inputs) {
        backward(tensors_from("backward", tensors), tensors_from("backward", gradients), restricting_inputs(inputs),
                 {retain_graph, create_graph});
      },
      py::arg("tensors"), py::arg("grad_tensors"), py::arg("retain_graph"), py::arg("create_graph"), py::arg("inputs"));
  m.def(
      "_gradients",
      [](const py::object& outputs, const py::object& inputs, const py::object& grad_outputs, bool retain_graph, bool create_graph,
         bool allow_unused) {
        return gradients_of(tensors_from("grad", outputs), tensors_from("grad", grad_outputs), tensors_from("grad", inputs),
                            {retain_graph, create_graph}, allow_unused);
      },
      py::arg("outputs"), py::arg("inputs"), py::arg("grad_outputs"), py::arg("retain_graph"), py::arg("create_graph"),
      py::arg("allow_unused"));
}

}  // namespace

void define_autograd(py::module_& m) {
  define_grad_fn(m);
  define_gradient_properties();
  m.def("is_grad_enabled", grad_enabled, "Whether gates are being recorded in this thread.");
  m.def("_set_grad_enabled", set_grad_enabled, py::arg("mode"));
  define_method("retain_grad", retain_grad, "Makes backward() keep the gradient of this tensor, which is no leaf, in .grad.");
  define_method("register_hook", register_hook,
                "Calls hook(grad) when the gradient of this tensor is complete; a tensor it returns replaces the gradient.\n\n"
                "Returns a handle whose remove() takes the hook off.",
                py::arg("hook"));
  define_method("detach", detach, "The same memory, off the graph.");
  define_method(
      "detach_",
      [](const Tensor& t) {
        detach_in_place(t);
        return t;
      },
      "Takes this tensor off the graph and returns it.\n\nRaises RuntimeError for a view.");
  define_method("clone", clone, "A copy with memory of its own, through which gradients flow.");
  static PyMethodDef backward_method = {"backward", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(tensor_backward)),
                                        METH_VARARGS | METH_KEYWORDS, kBackwardDocumentation};
  set_type_attribute("backward", py::reinterpret_steal<py::object>(PyDescr_NewMethod(tensor_type, &backward_method)));
  define_sweeps(m);
  m.def(
      "_make_subclass",
      [](const py::type& cls, const Tensor& data, bool requires_grad) {
        const Tensor leaf = require_grad(data.alias(), requires_grad);
        return py::reinterpret_steal<py::object>(wrap_as(reinterpret_cast<PyTypeObject*>(cls.ptr()), leaf));
      },
      py::arg("cls"), py::arg("data"), py::arg("requires_grad"), "An instance of a subclass of Tensor over data's memory, a leaf.");
}

}  // namespace gradgate
