// Functions that make tensors.
#include "bindings/creation.h"

#include "array/copy.h"
#include "bindings/module.h"
#include "bindings/nested.h"
#include "bindings/numpy.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/creation.h"
#include "graph/engine/types.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {

void check_device(const char* operation, const std::optional<std::string>& device) {
  if (device && *device != "cpu" && *device != "cpu:0")
    fail<RuntimeError>(operation, ": there is no device '", *device, "'; tensors live on the 'cpu'");
}

Tensor as_leaf(const Tensor& t, bool requires_grad) {
  if (requires_grad && !is_floating(t.dtype()))
    fail<RuntimeError>("only Tensors of floating point dtype can require gradients, got ", t.dtype());
  t.body()->requires_grad = requires_grad;
  return t;
}

Dims size_from(const char* operation, const py::args& args, const std::optional<DimsArgument>& size) {
  if (size.has_value() == !args.empty()) fail<TypeError>(operation, ": expected a size: ints or one sequence of ints");
  return size ? size->value : dims_from(operation, args);
}

namespace {

// A new tensor with the values of data.
Tensor copied(const py::object& data, const TypeArgument& dtype) {
  if (is_tensor(data.ptr())) {
    const Tensor source = unwrap(data.ptr()).alias();
    const Tensor result = cast(source, dtype.value_or(source.dtype()));
    return result.same(source) ? clone(source) : result;
  }
  if (!py::isinstance<py::array>(data))
    if (Tensor numbers = tensor_from_numbers(data, dtype); numbers.defined()) return numbers;
  return from_numpy(own_array(data, dtype));
}

// Data as a tensor, without a copy where that can be.
Tensor shared(const py::object& data, const TypeArgument& dtype) {
  if (is_tensor(data.ptr())) {
    const Tensor t = unwrap(data.ptr());
    return cast(t, dtype.value_or(t.dtype()));
  }
  if (py::isinstance<py::array>(data) && is_shareable(data)) {
    const Tensor t = from_numpy(data);
    return cast(t, dtype.value_or(t.dtype()));
  }
  return copied(data, dtype);
}

Tensor as_tensor(const py::object& data, const TypeArgument& dtype, const std::optional<std::string>& device) {
  check_device("as_tensor", device);
  return shared(data, dtype);
}

// The options of asarray() but for the type.
struct ArrayOptions {
  std::optional<bool> requires_grad, copy;
};

Tensor as_array(const py::object& data, const TypeArgument& dtype, const ArrayOptions& options) {
  const bool given = is_tensor(data.ptr());
  // As PyTorch: a tensor keeps its way to the leaves unless requires_grad=False takes it off.
  const bool wanted = options.requires_grad.value_or(given && unwrap(data.ptr()).requires_grad());
  if (given && wanted && unwrap(data.ptr()).requires_grad()) {
    const Tensor x = unwrap(data.ptr()), result = cast(x, dtype.value_or(x.dtype()));
    if (options.copy == false && !result.same(x)) fail<ValueError>("asarray: a tensor of another type cannot be made without a copy");
    return options.copy == true && result.same(x) ? clone(x) : result;
  }
  if (options.copy.value_or(false)) return as_leaf(copied(data, dtype), wanted);
  const Tensor result = shared(data, dtype);
  const bool shares = given ? result.storage() == unwrap(data.ptr()).storage()
                            : py::isinstance<py::array>(data) && result.bytes() == py::array(data).data();
  if (options.copy && !shares) fail<ValueError>("asarray: a tensor of this object cannot be made without a copy");
  return as_leaf(result.alias(), wanted);
}

// The type that fill_value gives a tensor: that of the Python number it is.
DType fill_type(const Tensor& value) {
  if (is_floating(value.dtype())) return default_dtype();
  return value.dtype() == DType::boolean ? DType::boolean : DType::int64;
}

// Not initialised, but for bools, of which kernels expect bytes of 0 and 1.
Tensor uninitialised(const Dims& shape, DType dtype) { return dtype == DType::boolean ? zeros(shape, dtype) : Tensor::empty(shape, dtype); }

// The functions of a size alone.
struct Filling {
  const char* name;
  Tensor (*make)(const Dims&, DType);
  const char* elements;
};
constexpr Filling kFillings[] = {
    {"zeros", zeros, "zeros"}, {"ones", ones, "ones"}, {"empty", uninitialised, "elements that are not initialised"}};

// A tensor like x in shape and in order of memory.
Tensor filled_like(const Filling& filling, const Tensor& x, DType dtype) {
  const Tensor values = filling.make(x.shape(), dtype);
  return is_dense(x) ? values.alias(x.shape(), x.strides()) : values;
}

void define_filling(py::module_& m, const Filling& filling) {
  const std::string elements = filling.elements, like = std::string(filling.name) + "_like", same = std::string("new_") + filling.name;
  define_maker(
      m, filling.name,
      [filling](const TypeArgument& dtype, const py::args& args, const std::optional<DimsArgument>& size) {
        return filling.make(size_from(filling.name, args, size), dtype.value_or(default_dtype()));
      },
      ("A tensor of this size (ints or one tuple) with " + elements + ", of the default type unless dtype is given.").c_str(),
      py::arg("size") = py::none());
  define_maker(
      m, like.c_str(),
      [filling](const TypeArgument& dtype, const Tensor& x) { return filled_like(filling, x, dtype.value_or(x.dtype())); },
      ("A tensor of input's shape and type with " + elements + ".").c_str(), py::arg("input"), py::kw_only());
  define_maker_method(
      same.c_str(),
      [filling](const TypeArgument& dtype, const Tensor& x, const py::args& args, const std::optional<DimsArgument>& size) {
        return filling.make(size_from(filling.name, args, size), dtype.value_or(x.dtype()));
      },
      ("A tensor of this size and of this tensor's type with " + elements + ".").c_str(), py::arg("size") = py::none());
}

void define_full(py::module_& m) {
  define_maker(
      m, "full",
      [](const TypeArgument& dtype, const DimsArgument& size, const Tensor& value) {
        return full(size.value, value, dtype.value_or(fill_type(value)));
      },
      "A tensor of one value, unless dtype is given of the type that tensor() would give the number.\n\n"
      "Raises RuntimeError for a number beyond the limits of dtype.", py::arg("size"),
      py::arg("fill_value"), py::kw_only());
  define_maker(
      m, "full_like",
      [](const TypeArgument& dtype, const Tensor& x, const Tensor& value) {
        if (value.ndim() > 0)
          fail<RuntimeError>("full_like: fill_value must be a number or a 0-d tensor, got shape ", value.shape(), " for an input of shape ",
                             x.shape());
        const Tensor out = filled_like({"full_like", Tensor::empty, ""}, x, dtype.value_or(x.dtype()));
        if (value.is_number()) check_fits("full_like", value, out.dtype());
        copy_elements(out, value);
        return out;
      },
      "A tensor of input's shape and type with one value, a number or a 0-d tensor.\n\nRaises RuntimeError for other values.",
      py::arg("input"), py::arg("fill_value"), py::kw_only());
  define_maker_method(
      "new_full",
      [](const TypeArgument& dtype, const Tensor& x, const DimsArgument& size, const Tensor& value) {
        return full(size.value, value, dtype.value_or(x.dtype()));
      },
      "A tensor of this size and of this tensor's type with one value.", py::arg("size"), py::arg("fill_value"), py::kw_only());
}

Tensor arange_of(const Tensor& first, const std::optional<Tensor>& second, const std::optional<Tensor>& by, const TypeArgument& dtype) {
  const Tensor zero = number(std::int64_t{0}), one = number(std::int64_t{1});
  const Tensor &start = second ? first : zero, &end = second ? *second : first, &step = by ? *by : one;
  const bool floats = is_floating(start.dtype()) || is_floating(end.dtype()) || is_floating(step.dtype());
  const DType wanted = dtype.value_or(floats ? default_dtype() : DType::int64);
  auto value = [](const Tensor& t, DType type) { return cast(t.alias(), type); };
  auto integer = [&](const Tensor& t) { return item(value(t, DType::int64)).cast<std::int64_t>(); };
  auto real = [&](const Tensor& t) { return item(value(t, DType::float64)).cast<double>(); };
  if (!floats || !is_floating(wanted)) return arange(integer(start), integer(end), integer(step), wanted);
  return arange(real(start), real(end), real(step), wanted);
}

void define_sequences(py::module_& m) {
  using Number = std::optional<Tensor>;
  define_maker(
      m, "arange",
      [](const TypeArgument& dtype, const Number& start, const Number& end, const Number& step) {
        if (!start && !end) fail<TypeError>("arange: expected an end");
        return start ? arange_of(*start, end, step, dtype) : arange_of(*end, {}, step, dtype);
      },
      "arange(end), arange(start, end) or arange(start, end, step): start, start + step, ... before end, of shape\n"
      "(ceil((end - start) / step),); int64 for ints, else the default type. Floats are start + i * step, computed in float64 and\n"
      "rounded once to the type; PyTorch's float32 elements may differ in the last place.\n\n"
      "Raises RuntimeError when step is zero or leads away from end.",
      py::arg("start") = py::none(), py::arg("end") = py::none(), py::arg("step") = py::none(), py::kw_only());
  define_maker(
      m, "linspace",
      [](const TypeArgument& dtype, double start, double end, std::int64_t steps) {
        return linspace(start, end, steps, dtype.value_or(default_dtype()));
      },
      "`steps` values at equal distances from start to end, both included.\n\nRaises RuntimeError when steps is negative.",
      py::arg("start"), py::arg("end"), py::arg("steps"), py::kw_only());
  define_maker(
      m, "logspace",
      [](const TypeArgument& dtype, double start, double end, std::int64_t steps, double base) {
        const Tensor powers = apply<Pow>(full({}, base, DType::float64), linspace(start, end, steps, DType::float64));
        return cast(powers, dtype.value_or(default_dtype()));
      },
      "base to the power of linspace(start, end, steps).", py::arg("start"), py::arg("end"), py::arg("steps"), py::arg("base") = 10.0,
      py::kw_only());
  define_maker(
      m, "eye",
      [](const TypeArgument& dtype, std::int64_t n, const std::optional<std::int64_t>& columns) {
        return eye(n, columns.value_or(n), dtype.value_or(default_dtype()));
      },
      "An n x m matrix (m is n unless given) with ones on the diagonal and zeros elsewhere.", py::arg("n"), py::arg("m") = py::none(),
      py::kw_only());
}

void define_from_data(py::module_& m) {
  define_maker(m, "tensor", [](const TypeArgument& dtype, const py::object& data) { return copied(data, dtype); },
               "A tensor with a copy of data: a number, nested sequences of numbers, a NumPy array or a tensor.\n\n"
               "Without dtype, Python floats take the default type, ints int64 and bools bool; NumPy's types are kept. Raises ValueError\n"
               "for ragged sequences, TypeError or RuntimeError for what is no number.",
               py::arg("data"), py::kw_only());
  define_maker_method(
      "new_tensor",
      [](const TypeArgument& dtype, const Tensor& x, const py::object& data) { return copied(data, dtype.value_or(x.dtype())); },
      "A tensor with a copy of data, of this tensor's type.", py::arg("data"), py::kw_only());
  m.def("as_tensor", as_tensor, py::arg("data"), py::arg("dtype") = py::none(), py::arg("device") = py::none(),
        "Data as a tensor: itself, or a tensor that shares the memory of a writable NumPy array, when the type fits; else a copy.");
  m.def(
      "asarray",
      [](const py::object& data, const TypeArgument& dtype, const std::optional<std::string>& device, const std::optional<bool>& copy,
         const std::optional<bool>& requires_grad) {
        check_device("asarray", device);
        return as_array(data, dtype, {requires_grad, copy});
      },
      "A tensor of obj: with copy=False over the memory of a tensor or array, with copy=True over its own, and with copy=None over\n"
      "the former where possible. A tensor stays on its graph unless requires_grad is False.\n\n"
      "Raises ValueError when copy=False and one is needed.",
      py::arg("obj"), py::kw_only(), py::arg("dtype") = py::none(), py::arg("device") = py::none(), py::arg("copy") = py::none(),
      py::arg("requires_grad") = py::none());
}

}  // namespace

void define_creation(py::module_& m) {
  define_from_data(m);
  for (const Filling& filling : kFillings) define_filling(m, filling);
  define_full(m);
  define_sequences(m);
}

}  // namespace gradgate
