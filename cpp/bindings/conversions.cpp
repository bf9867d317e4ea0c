// Conversions to other types, and writing into a tensor.
#include <string>

#include "bindings/creation.h"
#include "bindings/module.h"
#include "graph/engine/creation.h"
#include "graph/engine/phrase.h"
#include "graph/shapes/assign.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

Tensor convert(const Tensor& x, DType dtype, bool copy) {
  const Tensor result = cast(x, dtype);
  return copy && result.same(x) ? clone(x) : result;
}

void define_to() {
  constexpr const char* doc =
      "The values in another type; the tensor itself when it has that type already, unless copy.\n\n"
      "to(dtype), to(other) for other's type, or to('cpu', dtype): tensors live on the CPU. Raises RuntimeError for another device.";
  define_method("to", [](const Tensor& x, DType dtype, bool, bool copy) { return convert(x, dtype, copy); }, doc, py::arg("dtype"),
                py::arg("non_blocking") = false, py::arg("copy") = false);
  define_method("to", [](const Tensor& x, const Tensor& other, bool, bool copy) { return convert(x, other.dtype(), copy); }, doc,
                py::arg("other").noconvert(), py::arg("non_blocking") = false, py::arg("copy") = false);
  define_method(
      "to",
      [](const Tensor& x, const std::string& device, const std::optional<DType>& dtype, bool, bool copy) {
        check_device("to", device);
        return convert(x, dtype.value_or(x.dtype()), copy);
      },
      doc, py::arg("device") = "cpu", py::arg("dtype") = py::none(), py::arg("non_blocking") = false, py::arg("copy") = false);
  define_method("type_as", [](const Tensor& x, const Tensor& other) { return cast(x, other.dtype()); }, "The values in other's type.",
                py::arg("other"));
}

// What Tensor.device is, a str until Python's side gives a richer one; never destroyed, as that would come after the interpreter's end.
py::str& device_name() {
  static auto* const name = new py::str("cpu");
  return *name;
}

void define_casts(py::module_& m) {
  static constexpr std::pair<const char*, DType> casts[] = {
      {"float", DType::float32}, {"double", DType::float64}, {"int", DType::int32},
      {"long", DType::int64},    {"byte", DType::uint8},     {"bool", DType::boolean}};
  for (const auto& [method, dtype] : casts)
    define_method(method, [dtype = dtype](const Tensor& x) { return cast(x, dtype); },
                  cat("The values as ", name(dtype), "; floats are truncated towards zero.").c_str());
  define_method(
      "type",
      [](const Tensor& x, const std::optional<DType>& dtype, bool) {
        static constexpr const char* names[] = {"Bool", "Byte", "Int", "Long", "Float", "Double"};
        return dtype ? py::cast(cast(x, *dtype)) : py::cast(cat("gradgate.", names[static_cast<int>(x.dtype())], "Tensor"));
      },
      "The values in another type; without one, PyTorch's name of the tensor's, as in 'gradgate.FloatTensor'.",
      py::arg("dtype") = py::none(), py::arg("non_blocking") = false);
  define_method("cpu", [](const Tensor& x) { return x; }, "The tensor itself: tensors live on the CPU.");
  m.def("_set_device_name", [](const py::str& name) { device_name() = name; }, py::arg("name"));
  define_property("device", [](const Tensor&) { return device_name(); }, "Where the tensor lives: always 'cpu'.");
}

void define_writing() {
  define_method(
      "copy_",
      [](const Tensor& x, const Tensor& source, bool) {
        assign("copy_", x, source);
        return x;
      },
      "Writes src, converted to this tensor's type and broadcast to its shape, into this tensor, and returns it.\n\n"
      "Raises RuntimeError when src does not broadcast.",
      py::arg("src"), py::arg("non_blocking") = false);
  define_method(
      "fill_",
      [](const Tensor& x, const Tensor& value) {
        if (value.ndim() > 0) fail<RuntimeError>("fill_: the value must be a number or a 0-d tensor, got shape ", value.shape());
        assign("fill_", x, value);
        return x;
      },
      "Writes one value into every element and returns the tensor.", py::arg("value"));
  define_method(
      "zero_",
      [](const Tensor& x) {
        assign("zero_", x, zeros({}, x.dtype()));
        return x;
      },
      "Writes zero into every element and returns the tensor.");
  define_property(
      "data", [](const Tensor& x) { return Tensor::over(Storage::share(x.storage()), x.bytes(), x.shape(), x.strides(), x.dtype()); },
      [](const Tensor& x, const Tensor& source) { set_data(x, source); },
      "The same memory off the graph, with a version of its own: what is written through it does not count as a change of this tensor.\n"
      "Assigning a tensor makes this one show that one's memory; gates keep the values that they have seen.");
}

}  // namespace

void define_conversions(py::module_& m) {
  define_to();
  define_casts(m);
  define_writing();
}

}  // namespace gradgate
