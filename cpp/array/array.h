// Array: elements in memory with a type, a shape and strides; values off the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/dims.h"
#include "base/dtype.h"
#include "base/storage.h"

namespace gradgate {

class Array {
 public:
  Array() = default;

  // Elements are not initialised. Throws RuntimeError on a negative size or one too large, MemoryError without memory.
  static Array empty(const Dims& shape, DType dtype);
  static Array over(Ref<Storage> storage, std::byte* data, const Dims& shape, const Dims& strides, DType dtype);

  const Dims& shape() const { return shape_; }
  const Dims& strides() const { return strides_; }
  DType dtype() const { return dtype_; }
  int ndim() const { return shape_.size(); }
  std::int64_t size(int dim) const { return shape_[dim]; }
  std::int64_t numel() const { return numel_; }
  bool is_contiguous() const { return contiguous_; }
  std::byte* bytes() const { return data_; }
  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(data_);
  }
  const Ref<Storage>& storage() const { return storage_; }

  // The same memory under another shape; `offset` counts elements from the first.
  Array viewed(const Dims& shape, const Dims& strides, std::int64_t offset = 0) const {
    return over(storage_, data_ + offset * item_size(dtype_), shape, strides, dtype_);
  }

 protected:
  void allocate(const Dims& shape, DType dtype);
  void show(Ref<Storage> storage, std::byte* data, const Dims& shape, const Dims& strides, DType dtype);

 private:
  DType dtype_ = DType::float32;
  bool contiguous_ = true;
  std::int64_t numel_ = 1;
  Ref<Storage> storage_;
  std::byte* data_ = nullptr;
  Dims shape_, strides_;
};

}  // namespace gradgate
