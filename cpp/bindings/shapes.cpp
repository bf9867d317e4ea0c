// Shapes: the properties that tell them and the gates that look at the same memory under another one.
#include <vector>

#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

py::object size(const Tensor& x, const std::optional<std::int64_t>& dim) {
  if (!dim) return py::cast(x.shape());
  if (x.ndim() == 0) fail<IndexError>("size: dimension ", *dim, " is out of range: a 0-d tensor has no dimensions");
  return py::cast(x.size(wrap_dim(*dim, x.ndim())));
}

py::object stride(const Tensor& x, const std::optional<std::int64_t>& dim) {
  if (!dim) return py::cast(x.strides());
  if (x.ndim() == 0) fail<IndexError>("stride: dimension ", *dim, " is out of range: a 0-d tensor has no dimensions");
  return py::cast(x.strides()[wrap_dim(*dim, x.ndim())]);
}

Tensor matrix_transpose(const Tensor& x) {
  if (x.ndim() > 2) fail<RuntimeError>("t: expects a tensor with at most 2 dimensions, got shape ", x.shape(), "; use .mT or transpose()");
  return x.ndim() < 2 ? x : transpose(x, 0, 1);
}

Tensor reversed(const Tensor& x) {
  Dims dims;
  for (int i = x.ndim() - 1; i >= 0; --i) dims.push_back(i);
  return x.ndim() < 2 ? x : x.ndim() == 2 ? transpose(x, 0, 1) : permute(x, dims);
}

Tensor permute_dims(const Tensor& x, const Dims& dims) { return permute(x, wrap_dims("permute", dims, x.ndim())); }

Tensor squeeze_dims(const Tensor& x, const std::optional<DimsArgument>& dims) {
  return dims ? squeeze(x, wrap_dims("squeeze", dims->value, x.ndim())) : squeeze(x);
}

Tensor moved(const Tensor& x, const DimsArgument& source, const DimsArgument& destination) {
  if (source.value.size() != destination.value.size())
    fail<RuntimeError>("movedim: source ", source.value, " and destination ", destination.value, " must have as many dimensions");
  return move_dims(x, wrap_dims("movedim", source.value, x.ndim()), wrap_dims("movedim", destination.value, x.ndim()));
}

// The common shape of several tensors, or of several shapes.
Dims common_shape(const char* operation, const std::vector<Dims>& shapes) {
  Dims common;
  for (const Dims& shape : shapes) common = broadcast_shapes(operation, common, shape);
  return common;
}

py::tuple broadcast_tensors(const py::args& args) {
  const std::vector<Tensor> tensors = tensors_in("broadcast_tensors", "tensors", args);
  std::vector<Dims> shapes;
  for (const Tensor& t : tensors) shapes.push_back(t.shape());
  const Dims shape = common_shape("broadcast_tensors", shapes);
  py::tuple results(args.size());
  for (std::size_t i = 0; i < args.size(); ++i) results[i] = expand(tensors[i], shape);
  return results;
}

Dims broadcast_shapes_of(const py::args& args) {
  std::vector<Dims> shapes;
  for (py::handle shape : args) {
    py::detail::make_caster<DimsArgument> caster;
    if (!caster.load(shape, true)) fail<TypeError>("broadcast_shapes: expected ints or sequences of ints, got ", type_names(args));
    shapes.push_back(py::detail::cast_op<DimsArgument&>(caster).value);
  }
  return common_shape("broadcast_shapes", shapes);
}

py::tuple meshgrid(const py::args& args, const std::string& indexing) {
  if (indexing != "ij" && indexing != "xy") fail<RuntimeError>("meshgrid: indexing must be 'ij' or 'xy', got '", indexing, "'");
  const bool nested = args.size() == 1 && !is_tensor(args[0].ptr()) && PySequence_Check(args[0].ptr());
  const std::vector<Tensor> tensors = tensors_in("meshgrid", "tensors", nested ? py::object(args[0]) : py::object(args));
  const int count = static_cast<int>(tensors.size());
  if (count == 0) fail<RuntimeError>("meshgrid: expects at least one tensor");
  const bool swapped = indexing == "xy" && count > 1;
  Dims shape;
  for (const Tensor& t : tensors) {
    if (t.ndim() > 1) fail<RuntimeError>("meshgrid: expects 0-d or 1-d tensors, got one of shape ", t.shape());
    shape.push_back(t.numel());
  }
  py::tuple grids(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    Dims own = Dims::filled(count, 1);
    own[i] = shape[i];
    const Tensor grid = expand(reshape(tensors[static_cast<std::size_t>(i)], own), shape);
    grids[static_cast<std::size_t>(i)] = swapped ? transpose(grid, 0, 1) : grid;
  }
  return grids;
}

void define_properties(py::module_& m) {
  define_property("shape", [](const Tensor& t) { return t.shape(); }, "The sizes of the dimensions.");
  define_property("ndim", [](const Tensor& t) { return t.ndim(); }, "The number of dimensions.");
  define_property("dtype", [](const Tensor& t) { return t.dtype(); }, "The type of the elements.");
  define_property("itemsize", [](const Tensor& t) { return item_size(t.dtype()); }, "Size of an element in bytes.");
  define_property("nbytes", [](const Tensor& t) { return t.numel() * item_size(t.dtype()); }, "Size of all elements in bytes.");
  define_property("T", reversed, "A view with the dimensions in reverse order.");
  define_property(
      "mT",
      [](const Tensor& t) {
        if (t.ndim() < 2) fail<RuntimeError>("mT: needs a tensor of at least 2 dimensions, got shape ", t.shape());
        return transpose(t, -2, -1);
      },
      "A view with the last two dimensions swapped.\n\nRaises RuntimeError below 2 dimensions.");
  define(m, "numel", [](const Tensor& t) { return t.numel(); }, "The number of elements.");
  define(m, "is_floating_point", [](const Tensor& t) { return is_floating(t.dtype()); }, "Whether the elements are float32 or float64.");
  define(m, "is_complex", [](const Tensor&) { return false; }, "Whether the elements are complex numbers: never.");
  define(m, "is_signed", [](const Tensor& t) { return is_signed(t.dtype()); }, "Whether the elements can be negative.");
  m.def("is_tensor", [](py::handle object) { return is_tensor(object.ptr()); }, py::arg("obj"), "Whether the object is a Tensor.");
  define_method("nelement", [](const Tensor& t) { return t.numel(); }, "The number of elements.");
  define_method("dim", [](const Tensor& t) { return t.ndim(); }, "The number of dimensions.");
  define_method("ndimension", [](const Tensor& t) { return t.ndim(); }, "The number of dimensions.");
  define_method("size", size, "The sizes of the dimensions, or that of one.\n\nRaises IndexError when dim is out of range.",
                py::arg("dim") = py::none());
  define_method("stride", stride,
                "The steps in memory between neighbours along the dimensions (or one of them), in elements.\n\n"
                "Raises IndexError when dim is out of range.",
                py::arg("dim") = py::none());
  define_method("storage_offset", [](const Tensor& t) { return (t.bytes() - t.storage()->data) / item_size(t.dtype()); },
                "How many elements lie in the memory before the first.");
  define_method("is_contiguous", [](const Tensor& t) { return t.is_contiguous(); },
                "Whether the elements lie in memory in row-major order.");
  define_method("element_size", [](const Tensor& t) { return item_size(t.dtype()); }, "Size of an element in bytes.");
  define_method("data_ptr", [](const Tensor& t) { return reinterpret_cast<std::uintptr_t>(t.bytes()); }, "Address of the first element.");
  define_method("contiguous", contiguous, "The tensor itself when its elements lie in row-major order, else a copy in that order.");
}

constexpr const char* kReshapeDoc =
    "The same elements, in row-major order, under another shape; one size may be -1 and is inferred.\n\n"
    "A view where the strides allow it, a copy otherwise. Raises RuntimeError when the number of elements differs.";
constexpr const char* kViewDoc =
    "As reshape(), but always a view: raises RuntimeError where the strides do not allow one.";
constexpr const char* kPermuteDoc = "A view with the dimensions in the order of dims.\n\nRaises RuntimeError unless dims is a permutation.";
constexpr const char* kExpandDoc =
    "A view in which dimensions of size 1 are repeated to the sizes given, -1 keeping one; new dimensions may be put in front.\n\n"
    "Raises RuntimeError where a size other than 1 would change.";

void define_reshaping(py::module_& m) {
  m.def("reshape", [](const Tensor& x, const DimsArgument& shape) { return reshape(x, shape.value); }, kReshapeDoc, py::arg("input"),
        py::arg("shape"));
  define_method("reshape", [](const Tensor& x, const py::args& shape) { return reshape(x, dims_from("reshape", shape)); }, kReshapeDoc);
  define_method("reshape_as", [](const Tensor& x, const Tensor& other) { return reshape(x, other.shape()); }, "reshape() to other's shape.",
                py::arg("other"));
  define_method("view", [](const Tensor& x, const py::args& shape) { return view_as(x, dims_from("view", shape)); }, kViewDoc);
  define_method("view_as", [](const Tensor& x, const Tensor& other) { return view_as(x, other.shape()); }, "view() with other's shape.",
                py::arg("other"));
  define(m, "flatten", flatten, "The dimensions start_dim to end_dim as one; a view where the strides allow it.",
         py::arg("start_dim") = 0, py::arg("end_dim") = -1);
  define(m, "ravel", [](const Tensor& x) { return reshape(x, {-1}); }, "All elements in row-major order in one dimension.");
  define(m, "unflatten", [](const Tensor& x, std::int64_t dim, const DimsArgument& sizes) { return unflatten(x, dim, sizes.value); },
         "A view with dimension dim cut into several, of which one size may be -1.\n\n"
         "Raises RuntimeError when the sizes do not multiply up to the dimension's.",
         py::arg("dim"), py::arg("sizes"));
  define(m, "squeeze", squeeze_dims,
         "A view without the dimensions of size 1, or without those of them that dim (an int or a tuple) names.",
         py::arg("dim") = py::none());
  define(m, "unsqueeze", unsqueeze, "A view with a new dimension of size 1 at dim.\n\nRaises IndexError when dim is out of range.",
         py::arg("dim"));
  define_method("expand", [](const Tensor& x, const py::args& sizes) { return expand(x, dims_from("expand", sizes)); }, kExpandDoc);
  define_method("expand_as", [](const Tensor& x, const Tensor& other) { return expand(x, other.shape()); }, "expand() to other's shape.",
                py::arg("other"));
  define(m, "broadcast_to", [](const Tensor& x, const DimsArgument& size) { return expand(x, size.value); }, kExpandDoc, py::arg("size"));
  m.def("broadcast_tensors", broadcast_tensors,
        "Views of the tensors, expanded to their common shape.\n\nRaises RuntimeError without one.");
  m.def("broadcast_shapes", broadcast_shapes_of, "The shape to which shapes broadcast.\n\nRaises RuntimeError when there is none.");
  m.def("meshgrid", meshgrid, py::kw_only(), py::arg("indexing") = "ij",
        "For 1-d tensors of sizes n0, n1, ..., views of shape (n0, n1, ...) that repeat each along its own dimension; with\n"
        "indexing='xy' the first two dimensions are swapped.");
}

void define_reordering(py::module_& m) {
  m.def("permute", permute_dims, kPermuteDoc, py::arg("input"), py::arg("dims"));
  define_method("permute", [](const Tensor& x, const py::args& dims) { return permute_dims(x, dims_from("permute", dims)); }, kPermuteDoc);
  constexpr const char* transposed = "A view with two dimensions swapped.\n\nRaises IndexError when one is out of range.";
  constexpr Tensor (*swap)(const Tensor&, std::int64_t, std::int64_t) = transpose;  // beside the one that writes text
  define(m, "transpose", swap, transposed, py::arg("dim0"), py::arg("dim1"));
  define(m, "swapdims", swap, transposed, py::arg("dim0"), py::arg("dim1"));
  define(m, "swapaxes", swap, transposed, py::arg("axis0"), py::arg("axis1"));
  define(m, "t", matrix_transpose, "A view of a matrix with its dimensions swapped; 1-d and 0-d tensors as they are.\n\n"
                                   "Raises RuntimeError above 2 dimensions.");
  for (const char* name : {"movedim", "moveaxis"})
    define(m, name, moved, "A view with the dimensions source moved to the places destination, the others in their order.",
           py::arg("source"), py::arg("destination"));
}

}  // namespace

void define_shapes(py::module_& m) {
  define_properties(m);
  define_reshaping(m);
  define_reordering(m);
}

}  // namespace gradgate
