// Joining, splitting, selecting, repeating and padding.

#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/shapes/join.h"
#include "graph/choosing/pad.h"
#include "graph/shapes/split.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

py::tuple tuple_of(const std::vector<Tensor>& tensors) {
  py::tuple t(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) t[i] = tensors[i];
  return t;
}

// Whether a size or a number of pieces is given, rather than a list of them, which a 1-d tensor is, too.
bool is_one_integer(py::handle object) {
  return PyIndex_Check(object.ptr()) && !py::isinstance<py::array>(object) && !(is_tensor(object.ptr()) && unwrap(object.ptr()).ndim() > 0);
}

py::tuple split_by(const Tensor& x, const py::object& size_or_sections, std::int64_t dim) {
  constexpr const char* name = "split_size_or_sections";
  if (is_one_integer(size_or_sections)) return tuple_of(split(x, integer_in("split", name, size_or_sections), dim));
  return tuple_of(split(x, integers_in("split", name, size_or_sections), dim));
}

py::tuple tensor_split(const Tensor& x, const py::object& indices_or_sections, std::int64_t dim) {
  constexpr const char* name = "indices_or_sections";
  if (is_one_integer(indices_or_sections)) return tuple_of(split_evenly(x, integer_in("tensor_split", name, indices_or_sections), dim));
  return tuple_of(split_at(x, integers_in("tensor_split", name, indices_or_sections), dim));
}

std::vector<Tensor> with_least_dims(const std::vector<Tensor>& tensors, int least) {
  std::vector<Tensor> result;
  for (const Tensor& t : tensors) {
    Tensor x = t;
    while (x.ndim() < least) x = unsqueeze(x, 0);
    result.push_back(x);
  }
  return result;
}

Tensor hstack(const std::vector<Tensor>& tensors) {
  const auto parts = with_least_dims(tensors, 1);
  return concatenate(parts, !parts.empty() && parts[0].ndim() == 1 ? 0 : 1);
}
Tensor vstack(const std::vector<Tensor>& tensors) { return concatenate(with_least_dims(tensors, 2), 0); }

Tensor select_along(const Tensor& x, std::int64_t dim, std::int64_t index) {
  if (x.ndim() == 0) fail<RuntimeError>("select: a 0-d tensor has no dimension to select along");
  const std::int64_t size = x.size(wrap_dim(dim, x.ndim()));
  if (index < -size || index >= size)
    fail<IndexError>("select: index ", index, " is out of range for dimension ", dim, " of size ", size, " in a tensor of shape ",
                     x.shape());
  return select_index(x, wrap_dim(dim, x.ndim()), index < 0 ? index + size : index);
}

Tensor tile(const Tensor& x, Dims repeats) {
  while (repeats.size() < x.ndim()) repeats.insert(0, 1);
  return repeat(x, repeats);
}

Border border_from(const std::string& mode, const std::optional<double>& value) {
  if (value.value_or(0) != 0) fail<RuntimeError>("pad: mode '", mode, "' takes no value, got ", *value);
  if (mode == "reflect") return Border::reflect;
  if (mode == "replicate") return Border::replicate;
  if (mode == "circular") return Border::circular;
  fail<RuntimeError>("pad: the mode must be 'constant', 'reflect', 'replicate' or 'circular', got '", mode, "'");
}

Tensor pad_pairs(const Tensor& x, const std::vector<std::int64_t>& pairs, const std::string& mode, const std::optional<double>& value) {
  const auto count = static_cast<int>(pairs.size() / 2);
  if (pairs.size() % 2 != 0) fail<RuntimeError>("pad: expects (before, after) pairs, got an odd number of counts, ", pairs.size());
  if (count > x.ndim()) fail<RuntimeError>("pad: ", count, " pairs are more than the dimensions of the tensor of shape ", x.shape());
  Dims before = Dims::filled(x.ndim(), 0), after = before;
  for (int i = 0; i < count; ++i) {
    before[x.ndim() - 1 - i] = pairs[static_cast<std::size_t>(2 * i)];
    after[x.ndim() - 1 - i] = pairs[static_cast<std::size_t>(2 * i + 1)];
  }
  if (mode != "constant") return pad_with_own(border_from(mode, value), x, before, after);
  return pad(x, before, after, value.value_or(0));
}

void define_joins(py::module_& m) {
  for (const char* name : {"cat", "concat", "concatenate"})
    m.def(name, concatenate, py::arg("tensors"), py::arg("dim") = 0,
          "The tensors one after another along dim; their other sizes are equal and their types are promoted.\n\n"
          "Raises RuntimeError when the sizes differ.");
  m.def("stack", stack, py::arg("tensors"), py::arg("dim") = 0,
        "Tensors of one shape along a new dimension.\n\nRaises RuntimeError when the shapes differ.");
  m.def("hstack", hstack, py::arg("tensors"), "The tensors beside each other: along dimension 1, or 0 for 1-d tensors.");
  m.def("vstack", vstack, py::arg("tensors"), "The tensors below each other: along dimension 0, 1-d tensors as rows.");
}

void define_splits(py::module_& m) {
  constexpr const char* split_doc =
      "Views of pieces along dim: of split_size_or_sections elements each (the last may be smaller), or of the sizes in a list.\n\n"
      "Raises RuntimeError when the listed sizes do not sum to the dimension's.";
  m.def("split", split_by, split_doc, py::arg("tensor"), py::arg("split_size_or_sections"), py::arg("dim") = 0);
  define_method("split", split_by, split_doc, py::arg("split_size"), py::arg("dim") = 0);
  define(m, "chunk", [](const Tensor& x, std::int64_t chunks, std::int64_t dim) { return tuple_of(chunk(x, chunks, dim)); },
         "At most `chunks` views of equal size along dim, the last possibly smaller.", py::arg("chunks"),
         py::arg("dim") = 0);
  define(m, "tensor_split", tensor_split,
         "Views along dim: a number of pieces whose sizes differ by at most one, or the pieces between a list of indices.",
         py::arg("indices_or_sections"), py::arg("dim") = 0);
  define(m, "unbind", [](const Tensor& x, std::int64_t dim) { return tuple_of(unbind(x, dim)); },
         "Views at every index of dim, which goes.", py::arg("dim") = 0);
  define(m, "narrow", narrow, "A view of `length` elements from `start` along dim.\n\nRaises RuntimeError beyond the end.", py::arg("dim"),
         py::arg("start"), py::arg("length"));
  define(m, "select", select_along, "A view at one index of dim, which goes.\n\nRaises IndexError when the index is out of range.",
         py::arg("dim"), py::arg("index"));
}

}  // namespace

void define_joining(py::module_& m) {
  define_joins(m);
  define_splits(m);
  define_method(
      "repeat", [](const Tensor& x, const py::args& repeats) { return repeat(x, dims_from("repeat", repeats)); },
      "The tensor tiled this many times along each dimension; more counts than dimensions put new ones in front.\n\n"
      "Raises RuntimeError for fewer counts than dimensions.");
  constexpr const char* tile_doc = "As repeat(), with counts of 1 put in front when there are fewer than dimensions.";
  m.def("tile", [](const Tensor& x, const DimsArgument& dims) { return tile(x, dims.value); }, tile_doc, py::arg("input"), py::arg("dims"));
  define_method("tile", [](const Tensor& x, const py::args& dims) { return tile(x, dims_from("tile", dims)); }, tile_doc);
  m.def("pad", pad_pairs, py::arg("input"), py::arg("pad"), py::arg("mode") = "constant", py::arg("value") = py::none(),
        "The tensor with elements of `value` (0) around it. pad lists a (before, after) pair for the last dimension, then one for the\n"
        "last but one, and so on; negative counts crop.\n\n"
        "mode 'reflect' mirrors the tensor at its border elements, 'replicate' repeats those, 'circular' goes on at the other end.\n\n"
        "Raises RuntimeError for too many pairs, a size that does not fit, another mode, or a value where the mode takes none.");
}

}  // namespace gradgate
