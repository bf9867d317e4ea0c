// Allocating arrays and describing memory.
#include "array/array.h"

#include <algorithm>
#include <new>

namespace gradgate {
namespace {

bool describes_contiguous(const Dims& shape, const Dims& strides) {
  std::int64_t step = 1;
  bool contiguous = true;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    contiguous = contiguous && (shape[i] == 1 || strides[i] == step);
    step *= shape[i];
  }
  return contiguous;
}

}  // namespace

Array Array::empty(const Dims& shape, DType dtype) {
  Array a;
  a.allocate(shape, dtype);
  return a;
}

Array Array::over(Ref<Storage> storage, std::byte* data, const Dims& shape, const Dims& strides, DType dtype) {
  Array a;
  a.show(std::move(storage), data, shape, strides, dtype);
  return a;
}

void Array::allocate(const Dims& shape, DType dtype) {
  std::int64_t bytes = item_size(dtype);
  for (std::int64_t size : shape) {
    if (size < 0) fail<RuntimeError>("negative size ", size, " in shape ", shape);
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(size, 1), &bytes))
      fail<RuntimeError>("a tensor of shape ", shape, " and type ", dtype, " is too large");
  }
  dtype_ = dtype;
  shape_ = shape;
  strides_ = contiguous_strides(shape);
  numel_ = shape.product();
  bytes = numel_ * item_size(dtype);
  try {
    storage_ = Storage::allocate(static_cast<std::size_t>(bytes));
  } catch (const std::bad_alloc&) {
    fail<MemoryError>("there is no memory for a tensor of shape ", shape, " and type ", dtype, ", ", bytes, " bytes");
  }
  data_ = storage_->data;
}

void Array::show(Ref<Storage> storage, std::byte* data, const Dims& shape, const Dims& strides, DType dtype) {
  dtype_ = dtype;
  shape_ = shape;
  strides_ = strides;
  numel_ = shape.product();
  contiguous_ = describes_contiguous(shape, strides);
  storage_ = std::move(storage);
  data_ = data;
}

}  // namespace gradgate
