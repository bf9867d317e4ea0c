// Writes the pieces of which gates' texts are made.
#include "graph/engine/texts.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "array/arrangement.h"
#include "array/copy.h"

namespace gradgate {

// NumPy's own type for numbers is float64.
std::string type_argument(DType dtype) { return dtype == DType::float32 ? ", np.float32" : ""; }

Text number_text(const Tensor& t) {
  if (t.dtype() == DType::boolean) return Text(*t.data<bool>() ? "True" : "False", Binding::atom);
  if (t.dtype() == DType::float32) return Text(*t.data<float>());
  if (t.dtype() == DType::float64) return Text(*t.data<double>());
  const std::int64_t value = *converted(t, DType::int64).data<std::int64_t>();
  return formed(TextForm::number, Text(std::to_string(value), value < 0 ? Binding::sign : Binding::atom));
}

std::string tuple_text(const Dims& dims) { return cat(dims); }

Text method_text(const Text& x, const std::string& call) {
  return composed(cat(is_number(x) ? called("np.asarray", x).code : x.beside(Binding::atom), call), Binding::atom, x);
}

Text reshape_text(const Text& x, const Dims& shape) {
  const std::string sizes = tuple_text(shape);
  const Text& before = x.form == TextForm::reshape ? x.parts[0] : x;
  const std::string call = cat(".reshape", shape.size() > 1 ? sizes : shape.empty() ? "(())" : cat("(", shape[0], ")"));
  return formed(TextForm::reshape, method_text(before, call), before);
}

std::string axes_text(const Dims& dims, int ndim, bool keepdims) {
  std::string axes;
  if (dims.size() < ndim) axes = dims.size() == 1 ? cat("axis=", dims[0]) : cat("axis=", dims);
  if (!keepdims) return axes;
  return axes.empty() ? "keepdims=True" : cat(axes, ", keepdims=True");
}

Text reduce_text(const Text& x, const char* function, const Dims& dims, int ndim, bool keepdims) {
  const std::string call = cat(".", function, "(", axes_text(dims, ndim, keepdims && ndim > 0), ")");
  const bool is_linear = std::strcmp(function, "sum") == 0 || std::strcmp(function, "mean") == 0;
  return is_linear && x.form == TextForm::negative ? -method_text(x.parts[0], call) : method_text(x, call);
}

Text zeros_text(const Dims& shape, DType dtype) {
  const Text sizes(shape.size() == 1 ? cat(shape[0]) : tuple_text(shape), Binding::atom);
  return formed(TextForm::zeros, Text(cat("np.zeros(", sizes.code, type_argument(dtype), ")"), Binding::atom), sizes);
}

Text placed_text(const Text& shape, const std::string& index, const Text& values) {
  Text t = composed(cat("placed(", shape.code, ", np.s_[", index, "], ", values.code, ")"), Binding::atom, values);
  t.needs |= kPlaced;
  return t;
}

Text replaced_text(const Text& x, const std::string& index, const Text& values) {
  if (x.form == TextForm::zeros) return placed_text(x.parts[0], index, values);
  Text t = composed(cat("replaced(", x.code, ", np.s_[", index, "], ", values.code, ")"), Binding::atom, x, values);
  t.needs |= kReplaced;
  return t;
}

Text added_text(const Text& x, const std::string& index, const Text& values) {
  if (x.form == TextForm::zeros) return placed_text(x.parts[0], index, values);
  Text t = composed(cat("added(", x.code, ", np.s_[", index, "], ", values.code, ")"), Binding::atom, x, values);
  t.needs |= kAdded;
  return t;
}

}  // namespace gradgate
