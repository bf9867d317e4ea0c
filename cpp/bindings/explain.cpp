// Explanations as plain dictionaries, from which the Python layer draws and writes.
#include "account/explanation.h"
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/engine/record.h"

namespace py = pybind11;

namespace gradgate {
namespace {

py::object tensor_or_none(const Tensor& t) { return t.defined() ? py::cast(t) : py::none(); }

py::list tensors(const std::vector<Tensor>& list) {
  py::list result;
  for (const Tensor& t : list) result.append(tensor_or_none(t));
  return result;
}

py::object lines_or_none(const Written& text) { return text.lines.empty() ? py::object(py::none()) : py::cast(text.lines); }

py::dict value_dict(const ExplainedValue& v) {
  py::dict d;
  d["tensor"] = tensor_or_none(v.tensor);
  d["gradient"] = tensor_or_none(v.gradient);
  d["leaf"] = tensor_or_none(v.leaf);
  d["gate"] = v.gate < 0 ? py::object(py::none()) : py::cast(v.gate);
  d["output"] = v.output;
  return d;
}

py::object edge_dict(const ExplainedEdge& e) {
  if (!e.downstream.defined()) return py::none();
  py::dict d;
  d["downstream"] = e.downstream;
  d["local"] = tensor_or_none(e.local);
  d["local_text"] = e.local_text.empty() ? py::object(py::none()) : py::cast(e.local_text);
  d["rule"] = lines_or_none(e.rule);
  return d;
}

py::list preamble(unsigned needs) {
  py::list functions;
  for (const PreambleFunction& f : kPreamble)
    if (needs & f.bit) functions.append(f.source);
  return functions;
}

py::dict gate_dict(const ExplainedGate& g) {
  py::dict d;
  py::list inputs, edges;
  unsigned needs = g.text.needs;
  for (const ExplainedEdge& e : g.inputs) {
    inputs.append(e.value < 0 ? py::object(py::none()) : py::cast(e.value));
    edges.append(edge_dict(e));
    needs |= e.rule.needs;
  }
  d["kind"] = g.kind;
  d["inputs"] = inputs;
  d["outputs"] = g.outputs;
  d["text"] = lines_or_none(g.text);
  d["upstream"] = tensors(g.upstream);
  d["edges"] = edges;
  d["constants"] = tensors(g.constants);
  d["preamble"] = preamble(needs);
  d["sequence"] = g.sequence;
  d["line"] = g.line;
  return d;
}

py::object made_by(const Tensor& t) {
  if (t.is_leaf()) return py::none();
  const Ref<Node> node = gradient_node(t);
  return py::make_tuple(node->sequence(), output_of(t));
}

py::dict explain_as_dict(const Tensor& loss, bool fused, const std::optional<DType>& dtype, bool texts) {
  if (dtype && !is_floating(*dtype)) fail<TypeError>("explain: dtype must be a floating-point type, got ", *dtype);
  const Explanation e = explain(loss, {fused, texts, dtype});
  py::list values, gates;
  for (const ExplainedValue& v : e.values) values.append(value_dict(v));
  for (const ExplainedGate& g : e.gates) gates.append(gate_dict(g));
  py::dict d;
  d["values"] = values;
  d["gates"] = gates;
  return d;
}

}  // namespace

void define_explain(py::module_& m) {
  m.def("_made_by", made_by, "The sequence number of the gate that made a tensor, and the number of its output; None for a leaf.",
        py::arg("tensor"));
  m.def("_explain", explain_as_dict,
        "Every value and gate below a loss of one element, computed again on a graph of its own.\n\n"
        "Texts are lists of lines of NumPy, all but the last of which name a part, \"{t0} = ...\". {0}, {1} stand for the gate's inputs,\n"
        "{y} ({y1}, ...) for its outputs, {dy} ({dy1}, ...) for the upstream gradients, {c0}, {c1} for its constants; put what is no\n"
        "name or call in parentheses. A forward text of a gate with several outputs is a sequence of them. None: NumPy cannot express\n"
        "the gate.\n"
        "fused=False opens gates that are compositions. dtype computes in another floating-point type. texts=False leaves out the texts\n"
        "and local gradients.\n\n"
        "Raises RuntimeError off the graph, for several elements, after the graph was freed, or when a tensor was changed in place since.",
        py::arg("loss"), py::arg("fused") = true, py::arg("dtype") = py::none(), py::arg("texts") = true);
}

}  // namespace gradgate
