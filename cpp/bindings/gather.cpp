// Gathering, scattering and masks as functions and Tensor methods.
#include <vector>

#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/copy.h"
#include "graph/index.h"
#include "graph/mask.h"
#include "graph/selection.h"
#include "graph/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// A 0-d tensor as one of one dimension, which is how the gates index it.
Tensor lifted(const Tensor& t) { return t.ndim() == 0 && !t.is_number() ? reshape(t, {1}) : t; }
Tensor of_shape(const Tensor& t, const Dims& shape) { return t.shape() == shape ? t : reshape(t, shape); }

// An index for a tensor of that many dimensions: one without elements fits each of them.
Tensor fitted_index(const Tensor& index, int ndim) {
  return index.numel() == 0 && index.ndim() != ndim ? reshape(index, Dims::filled(ndim, 0)) : lifted(index);
}

// name(input, ...), which puts f's assignment into a copy, and input.name_(...), which writes it to input itself.
template <class... Arguments, class... Extra>
void define_assignment(py::module_& m, const char* name, Assignment (*f)(const Tensor&, Arguments...), const char* doc,
                       const Extra&... extra) {
  define(
      m, name,
      [f](const Tensor& x, Arguments... arguments) {
        const Tensor target = lifted(x);
        const Assignment a = f(target, arguments...);
        return of_shape(put(target, a.at, a.values, a.how), x.shape());
      },
      doc, extra...);
  define_method(
      cat(name, "_").c_str(),
      [f](const Tensor& x, Arguments... arguments) {
        const Tensor target = lifted(x);
        const Assignment a = f(target, arguments...);
        put_into(target, a.at, a.values, a.how);
        return x;
      },
      inplace_documentation(name).c_str(), extra...);
}

template <bool accumulate>
Assignment scattered(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  const Tensor at = fitted_index(index, x.ndim());
  // Nothing is written where there is no index, so that any values of x's own type will do.
  const bool writes = at.numel() > 0 || source.ndim() == at.ndim() || source.is_number();
  return scatter(x, dim, at, writes ? lifted(source) : detach(x), accumulate);
}

Assignment copied_to(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
  return index_copy(x, dim, index, lifted(source));
}
Assignment added_to(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source, const Tensor& alpha) {
  if (alpha.numel() != 1) fail<RuntimeError>("index_add: alpha must be a number, got a tensor of shape ", alpha.shape());
  return index_add(x, dim, index, lifted(source), alpha);
}

Tensor gathered(const Tensor& x, std::int64_t dim, const Tensor& index) {
  const Tensor source = lifted(x);
  return of_shape(gather(source, dim, fitted_index(index, source.ndim())), index.shape());
}

Tensor selected(const Tensor& x, std::int64_t dim, const Tensor& index) {
  if (x.ndim() > 0) return index_select(x, dim, index);
  if (index.numel() != 1) fail<RuntimeError>("index_select: a 0-d tensor has one element to select, got an index of shape ", index.shape());
  return reshape(index_select(lifted(x), dim, index), {});
}

Assignment index_put(const Tensor& x, const std::vector<std::optional<Tensor>>& indices, const Tensor& values, bool accumulate) {
  std::vector<Tensor> tensors;
  for (const std::optional<Tensor>& index : indices) tensors.push_back(index.value_or(Tensor()));
  return {positions_in(x, tensors), values, {"index_put", "IndexPutBackward", accumulate}};
}

Tensor take_along(const Tensor& x, const Tensor& indices, const std::optional<std::int64_t>& dim) {
  return dim ? take_along_dim(x, indices, *dim) : take_elements(x, reshape(indices, {-1}));
}

py::object nonzero_of(const Tensor& x, bool as_tuple) {
  const Tensor positions = nonzero(x.ndim() == 0 && as_tuple ? reshape(x, {1}) : x);
  if (!as_tuple) return py::cast(positions);
  py::tuple columns(static_cast<std::size_t>(positions.size(1)));
  for (int i = 0; i < positions.size(1); ++i) columns[static_cast<std::size_t>(i)] = contiguous(select_index(positions, 1, i));
  return columns;
}

Tensor filled(const Tensor& x, const Tensor& mask, const Tensor& value) {
  masked_fill_into("masked_fill", x, mask, value);
  return x;
}

void define_gathering(py::module_& m) {
  define(m, "gather", gathered,
         "The elements of input at index along dim: out[i][j] = input[index[i][j]][j] for dim 0, of index's shape.\n\n"
         "index is int64 or int32, of as many dimensions as input and at most its size in the others than dim. The gradient adds up in\n"
         "index order.\n\nRaises IndexError for an index out of range and RuntimeError for shapes that do not fit.",
         py::arg("dim"), py::arg("index"));
  define(m, "index_select", selected,
         "The slices of input at the positions of a 1-d index along dim, copied.\n\nRaises IndexError for an index out of range.",
         py::arg("dim"), py::arg("index"));
  define(m, "take", take_elements,
         "The elements of input, read row-major, at index (negative positions count from the end), of index's shape.\n\n"
         "Raises IndexError for an index out of range.",
         py::arg("index"));
  define(
      m, "take_along_dim", take_along,
      "gather() with indices that broadcast with input in the other dimensions, and may count from the end; with dim None, of input read\n"
      "row-major.\n\nRaises IndexError for an index out of range.",
      py::arg("indices"), py::arg("dim") = py::none());
  m.def("embedding", embedding, py::arg("weight"), py::arg("indices"), py::arg("padding_idx") = -1,
        "The rows of weight (rows, columns) at indices of any shape: (*indices.shape, columns).\n\n"
        "Gradients of one row add up in the order of the indices; none flows to row padding_idx (-1: no such row).\n\n"
        "Raises IndexError for an index out of range, negative ones among them.");
  m.def(
      "one_hot", one_hot, py::arg("tensor"), py::arg("num_classes") = -1,
      "int64 of shape (*tensor.shape, num_classes), 1 at the class each element names; num_classes -1 stands for the largest plus one.\n\n"
      "Raises RuntimeError for a class that is negative or not below num_classes.");
}

void define_scattering(py::module_& m) {
  const char* scatter_doc =
      "input with src's elements (or a number) at index along dim: out[index[i][j]][j] = src[i][j] for dim 0. Of several values for one\n"
      "element the last stays.\n\nRaises IndexError for an index out of range and RuntimeError for shapes or dtypes that do not fit.";
  define_assignment(m, "scatter", scattered<false>, scatter_doc, py::arg("dim"), py::arg("index"), py::arg("src"));
  define_assignment(m, "scatter", scattered<false>, scatter_doc, py::arg("dim"), py::arg("index"), py::arg("value"));
  define_assignment(
      m, "scatter_add", scattered<true>,
      "input with src's elements added at index along dim, in ascending order: out[index[i][j]][j] += src[i][j] for dim 0.\n\n"
      "Raises IndexError for an index out of range and RuntimeError for shapes or dtypes that do not fit.",
      py::arg("dim"), py::arg("index"), py::arg("src"));
  define_assignment(m, "index_copy", copied_to,
                    "input with source's slices at the positions of a 1-d index along dim.\n\nRaises IndexError for an index out of range.",
                    py::arg("dim"), py::arg("index"), py::arg("source"));
  define_assignment(m, "index_add", added_to,
                    "input with alpha times source's slices added at the positions of a 1-d index along dim, in ascending order.\n\n"
                    "Raises IndexError for an index out of range.",
                    py::arg("dim"), py::arg("index"), py::arg("source"), py::kw_only(), py::arg("alpha") = 1);
  define_assignment(m, "index_fill", index_fill,
                    "input with a number at the positions of a 1-d index (which may count from the end) along dim.\n\n"
                    "Raises IndexError for an index out of range.",
                    py::arg("dim"), py::arg("index"), py::arg("value"));
  define_assignment(m, "index_put", index_put,
                    "input[indices] = values, or += in ascending order if accumulate; indices are tensors of integers, masks or None.\n\n"
                    "Raises IndexError for an index out of range and RuntimeError for values that do not broadcast.",
                    py::arg("indices"), py::arg("values"), py::arg("accumulate") = false);
}

void define_masking(py::module_& m) {
  define(m, "masked_fill", masked_fill,
         "value, a number or a tensor of one element, where mask is True, else input; the two broadcast.\n\n"
         "Raises RuntimeError for a mask that is not bool, or a value that input's dtype cannot hold.",
         py::arg("mask"), py::arg("value"));
  define_method("masked_fill_", filled, inplace_documentation("masked_fill").c_str(), py::arg("mask"), py::arg("value"));
  define(m, "masked_select", masked_select, "The elements of input where mask is True, as a vector; the two broadcast.", py::arg("mask"));
  define(m, "masked_scatter", masked_scatter,
         "input with its elements where mask is True taken from source, in row-major order.\n\n"
         "Raises RuntimeError when source has too few elements.",
         py::arg("mask"), py::arg("source"));
  define_inplace("masked_scatter", masked_scatter, py::arg("mask"), py::arg("source"));
  define(m, "nonzero", nonzero_of,
         "The positions of the elements that are not zero, row-major: int64 of shape (N, ndim), or if as_tuple one vector for each\n"
         "dimension, which index them.",
         py::kw_only(), py::arg("as_tuple") = false);
  m.def("where", [](const Tensor& condition) { return nonzero_of(condition, true); }, py::arg("condition"),
        "Where condition holds: for each dimension the indices of its true elements.");
  define(m, "argwhere", nonzero, "The positions of the elements that are not zero, row-major: int64 of shape (N, ndim).");
}

}  // namespace

void define_gather(py::module_& m) {
  define_gathering(m);
  define_scattering(m);
  define_masking(m);
}

}  // namespace gradgate
