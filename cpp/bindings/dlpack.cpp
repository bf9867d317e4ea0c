// Exchange of memory with other array libraries by the DLPack protocol.
//
// The structures are those of the specification (dmlc.github.io/dlpack, version 1.0); a capsule is named "dltensor" or
// "dltensor_versioned" until its consumer takes it and renames it "used_...".
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "array/copy.h"
#include "bindings/define.h"
#include "bindings/module.h"
#include "graph/engine/phrase.h"
#include "graph/reduce/extreme.h"
#include "graph/shapes/conversion.h"
#include "graph/shapes/view.h"

namespace py = pybind11;

namespace gradgate {
namespace {

struct DLDevice {
  std::int32_t device_type;
  std::int32_t device_id;
};

struct DLDataType {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};

struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // null for row-major order
  std::uint64_t byte_offset;
};

struct Legacy {
  static constexpr const char* kName = "dltensor";
  static constexpr const char* kUsed = "used_dltensor";
  DLTensor tensor;
  void* manager;
  void (*deleter)(Legacy*);
};

struct Versioned {
  static constexpr const char* kName = "dltensor_versioned";
  static constexpr const char* kUsed = "used_dltensor_versioned";
  std::uint32_t major, minor;
  void* manager;
  void (*deleter)(Versioned*);
  std::uint64_t flags;
  DLTensor tensor;
};

constexpr std::int32_t kCpu = 1;
constexpr std::uint8_t kInt = 0, kUInt = 1, kFloat = 2, kBool = 6;
constexpr std::uint64_t kReadOnly = 1, kCopied = 2;

DLDataType describe(DType dtype) {
  const auto bits = static_cast<std::uint8_t>(8 * item_size(dtype));
  switch (dtype) {
    case DType::boolean: return {kBool, bits, 1};
    case DType::uint8: return {kUInt, bits, 1};
    case DType::int32:
    case DType::int64: return {kInt, bits, 1};
    default: return {kFloat, bits, 1};
  }
}

DType dtype_of(const DLDataType& type) {
  for (DType candidate : {DType::boolean, DType::uint8, DType::int32, DType::int64, DType::float32, DType::float64}) {
    const DLDataType d = describe(candidate);
    if (d.code == type.code && d.bits == type.bits && type.lanes == 1) return candidate;
  }
  fail<TypeError>("from_dlpack: elements of DLPack type code ", int{type.code}, " with ", int{type.bits}, " bits and ", type.lanes,
                  " lanes are not supported; convert to float32, float64, int64, int32, uint8 or bool first");
}

// What an exported tensor needs until its consumer is done.
template <class Managed>
struct Export {
  Managed managed{};
  Tensor tensor;
  Dims shape, strides;
};

// The consumer may be done on any thread, with or without the interpreter's lock, which guards the reference counts.
template <class Managed>
void release_export(Managed* managed) {
  if (!Py_IsInitialized()) return;  // the interpreter has ended, and its memory with it
  until_exit([managed] {
    const py::gil_scoped_acquire lock;
    delete static_cast<Export<Managed>*>(managed->manager);
  });
}

template <class Managed>
void destroy_capsule(PyObject* capsule) {
  if (!PyCapsule_IsValid(capsule, Managed::kName)) return;  // a consumer has taken it
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Managed::kName));
  managed->deleter(managed);
}

template <class Managed>
py::object export_capsule(const Tensor& t, bool copied) {
  auto exported = std::make_unique<Export<Managed>>();
  exported->tensor = t;
  exported->shape = t.shape();
  exported->strides = t.strides();
  exported->managed.tensor = {t.bytes(), {kCpu, 0}, t.ndim(), describe(t.dtype()), &exported->shape[0], &exported->strides[0], 0};
  exported->managed.manager = exported.get();
  exported->managed.deleter = release_export<Managed>;
  if constexpr (std::is_same_v<Managed, Versioned>) {
    exported->managed.major = 1;
    exported->managed.flags = copied ? kCopied : 0;
  }
  PyObject* capsule = PyCapsule_New(&exported->managed, Managed::kName, destroy_capsule<Managed>);
  if (!capsule) throw py::error_already_set();
  exported.release();
  return py::reinterpret_steal<py::object>(capsule);
}

py::object to_dlpack(const Tensor& t, const py::object& stream, const std::optional<std::pair<int, int>>& max_version,
                     const std::optional<std::pair<int, int>>& device, const std::optional<bool>& copy) {
  if (!stream.is_none()) fail<ValueError>("__dlpack__: a CPU tensor has no streams, so that stream must be None");
  if (device && *device != std::pair<int, int>{kCpu, 0})
    fail<ValueError>("__dlpack__: the tensor is on the CPU, device (1, 0), and cannot be exported to device (", device->first, ", ",
                     device->second, ")");
  if (t.requires_grad())
    fail<RuntimeError>("__dlpack__: can't export a tensor that requires gradient; use tensor.detach()");
  const bool copied = copy.value_or(false);
  const Tensor exported = copied ? Tensor(gradgate::copied(t)) : t.alias();
  return max_version && max_version->first >= 1 ? export_capsule<Versioned>(exported, copied) : export_capsule<Legacy>(exported, copied);
}

// The shape that a producer states. Throws ValueError where no tensor has it.
Dims stated_shape(const DLTensor& source, DType dtype) {
  if (source.ndim < 0 || source.ndim > kMaxDims)
    fail<ValueError>("from_dlpack: the array states ", source.ndim, " dimensions; a tensor has 0 to ", kMaxDims);
  if (source.ndim > 0 && !source.shape) fail<ValueError>("from_dlpack: the array states ", source.ndim, " dimensions but no shape");
  Dims shape;
  std::int64_t bytes = item_size(dtype);
  for (int i = 0; i < source.ndim; ++i) {
    shape.push_back(source.shape[i]);
    // Empty dimensions are left out, as the strides must not overflow either.
    if (shape[i] < 0 || __builtin_mul_overflow(bytes, std::max<std::int64_t>(shape[i], 1), &bytes))
      fail<ValueError>("from_dlpack: the array states the size ", shape[i], " at dimension ", i, ", which is negative or too large");
  }
  return shape;
}

// Its strides. Throws ValueError for negative ones, and where the last element would lie beyond all addresses.
Dims stated_strides(const DLTensor& source, const Dims& shape, DType dtype) {
  if (!source.strides || shape.product() == 0) return contiguous_strides(shape);
  Dims strides;
  std::int64_t last = 0;
  for (int i = 0; i < shape.size(); ++i) {
    strides.push_back(source.strides[i]);
    std::int64_t step = 0;
    if (strides[i] < 0) fail<ValueError>("from_dlpack: the array has a negative stride, ", strides[i], "; copy it first");
    if (__builtin_mul_overflow(shape[i] - 1, strides[i], &step) || __builtin_add_overflow(last, step, &last) ||
        __builtin_mul_overflow(last, std::int64_t{item_size(dtype)}, &step))
      fail<ValueError>("from_dlpack: the array states the stride ", strides[i], " at dimension ", i, ", which is too large");
  }
  return strides;
}

// The address of the first element. Throws ValueError where there can be none.
std::byte* stated_data(const DLTensor& source, const Dims& shape, DType dtype) {
  if (!source.data && shape.product() > 0) fail<ValueError>("from_dlpack: the array has shape ", shape, " but no memory");
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(source.data) + source.byte_offset;
  if (address % static_cast<std::uintptr_t>(item_size(dtype)) != 0)
    fail<ValueError>("from_dlpack: the memory is not aligned to its element size; copy it first");
  return reinterpret_cast<std::byte*>(address);
}

// Throws ValueError for bools whose bytes are neither 0 nor 1.
void check_bools(const Tensor& t) {
  if (t.dtype() != DType::boolean) return;
  const Tensor bytes = Tensor::over(t.storage(), t.bytes(), t.shape(), t.strides(), DType::uint8);
  if (t.numel() > 0 && item(extreme_value(Extreme::max, kMax, bytes, {}, false)).cast<int>() > 1)
    fail<ValueError>("from_dlpack: the array has bools whose bytes are neither 0 nor 1; convert it to uint8 and compare with 0 first");
}

template <class Managed>
Tensor import_capsule(const py::object& capsule) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), Managed::kName));
  if constexpr (std::is_same_v<Managed, Versioned>) {
    if (managed->major != 1) fail<RuntimeError>("from_dlpack: DLPack version ", managed->major, ".", managed->minor, " is not supported");
    if (managed->flags & kReadOnly) fail<ValueError>("from_dlpack: the memory is read-only, and tensors can be written to; copy it first");
  }
  const DLTensor& source = managed->tensor;
  if (source.device.device_type != kCpu)
    fail<RuntimeError>("from_dlpack: the array is on device type ", source.device.device_type, "; only the CPU (1) is supported");
  const DType dtype = dtype_of(source.dtype);
  const Dims shape = stated_shape(source, dtype), strides = stated_strides(source, shape, dtype);
  std::byte* data = stated_data(source, shape, dtype);
  auto storage = Storage::adopt(data, static_cast<std::size_t>(shape.product() * item_size(dtype)), managed, [](void* owner) {
    auto* done = static_cast<Managed*>(owner);
    if (done->deleter) done->deleter(done);
  });
  PyCapsule_SetName(capsule.ptr(), Managed::kUsed);
  const Tensor result = Tensor::over(std::move(storage), data, shape, strides, dtype);
  check_bools(result);
  return result;
}

void check_device_of(const py::object& source) {
  if (!py::hasattr(source, "__dlpack_device__")) fail<TypeError>("from_dlpack: the object has __dlpack__ but no __dlpack_device__");
  const py::object device = source.attr("__dlpack_device__")();
  py::detail::make_caster<std::pair<int, int>> pair;
  if (!py::isinstance<py::sequence>(device) || !pair.load(device, true))
    fail<TypeError>("from_dlpack: __dlpack_device__ must return two ints, got ", Py_TYPE(device.ptr())->tp_name);
  const auto [type, index] = py::detail::cast_op<std::pair<int, int>>(pair);
  if (type != kCpu) fail<RuntimeError>("from_dlpack: the array is on device type ", type, "; only the CPU (1) is supported");
}

Tensor from_dlpack(const py::object& source) {
  py::object capsule = source;
  if (!PyCapsule_CheckExact(source.ptr())) {
    if (!py::hasattr(source, "__dlpack__"))
      fail<TypeError>("from_dlpack: expected an object with __dlpack__ or a capsule, got ", Py_TYPE(source.ptr())->tp_name);
    check_device_of(source);
    try {
      capsule = source.attr("__dlpack__")(py::arg("max_version") = py::make_tuple(1, 0));
    } catch (py::error_already_set& e) {
      if (!e.matches(PyExc_TypeError)) throw;  // producers older than version 1 do not know the argument
      capsule = source.attr("__dlpack__")();
    }
  }
  if (PyCapsule_IsValid(capsule.ptr(), Versioned::kName)) return import_capsule<Versioned>(capsule);
  if (PyCapsule_IsValid(capsule.ptr(), Legacy::kName)) return import_capsule<Legacy>(capsule);
  fail<RuntimeError>("from_dlpack: the capsule was taken before, or is none of DLPack's");
}

}  // namespace

void define_dlpack(py::module_& m) {
  m.def("from_dlpack", from_dlpack, py::arg("ext_tensor"),
        "A tensor over the memory of another library's CPU array.\n\n"
        "Raises TypeError without __dlpack__ or for other element types, RuntimeError for other devices, ValueError for read-only memory\n"
        "and for shapes, strides and bools that no tensor has.");
  define_method("__dlpack__", to_dlpack,
                "A DLPack capsule over the tensor's memory, for NumPy's, PyTorch's and others' from_dlpack.\n\n"
                "Raises RuntimeError when the tensor requires a gradient.",
                py::kw_only(), py::arg("stream") = py::none(), py::arg("max_version") = py::none(), py::arg("dl_device") = py::none(),
                py::arg("copy") = py::none());
  define_method("__dlpack_device__", [](const Tensor&) { return std::pair<int, int>{kCpu, 0}; }, "DLPack's name of the CPU, (1, 0).");
}

}  // namespace gradgate
