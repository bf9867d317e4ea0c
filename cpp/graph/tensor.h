// Tensor: a view of a storage with a type, a shape and strides, and its place in the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/dims.h"
#include "base/dtype.h"
#include "base/ref.h"
#include "base/storage.h"

namespace gradgate {

class HookList;
class KeptTensor;
class Node;
struct TensorBody;
struct GraphRecord;

// A handle: copies share the body, as Python's names share an object.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorBody> body) : body_(std::move(body)) {}
  // A number in a gate's formula: 0-d, and never widening the type of what it meets.
  explicit Tensor(double number);
  explicit Tensor(int number) : Tensor(static_cast<double>(number)) {}

  // Elements are not initialised. Throws RuntimeError on a negative size.
  static Tensor empty(const Dims& shape, DType dtype);
  static Tensor over(Ref<Storage> storage, std::byte* data, const Dims& shape, const Dims& strides, DType dtype);

  bool defined() const { return static_cast<bool>(body_); }
  TensorBody* body() const { return body_.get(); }
  bool same(const Tensor& other) const { return body_ == other.body_; }
  // Whether this handle is the only way to the elements.
  bool sole_owner() const;

  const Dims& shape() const;
  const Dims& strides() const;
  DType dtype() const;
  int ndim() const { return shape().size(); }
  std::int64_t size(int dim) const { return shape()[dim]; }
  std::int64_t numel() const;
  bool is_contiguous() const;
  // True for a Python number (or a number in a formula) that became a tensor.
  bool is_number() const;
  std::byte* bytes() const;
  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(bytes());
  }
  const Ref<Storage>& storage() const;
  std::uint32_t version() const { return storage()->version; }
  void bump_version() const { ++storage()->version; }

  bool requires_grad() const;
  bool is_leaf() const;

  // The same memory under another shape, off the graph; `offset` counts elements from this tensor's first.
  Tensor alias(const Dims& shape, const Dims& strides, std::int64_t offset = 0) const;
  Tensor alias() const { return alias(shape(), strides()); }

 private:
  Ref<TensorBody> body_;
};

struct TensorBody {
  std::int32_t refs = 0;
  DType dtype = DType::float32;
  bool contiguous = true;
  bool number = false;
  bool requires_grad = false;  // of a leaf; a result requires a gradient when it has a node
  std::uint32_t output = 0;    // which output of the node this tensor is
  std::uint32_t history = 0;   // counts the in-place gates recorded on a base; of a view: the count its node was made for
  std::int64_t numel = 1;
  Ref<Storage> storage;
  std::byte* data = nullptr;
  Dims shape, strides;
  Ref<Node> node;  // the gate that made it
  Tensor base;     // of a view: the tensor whose memory it shows
  KeptTensor* kept = nullptr;  // of a base: the first in the list of what gates keep of it and of its views
  std::unique_ptr<GraphRecord> record;
  void* python = nullptr;  // the object that stands for this body in an embedding interpreter

  TensorBody();
  ~TensorBody();
  static void destroy(TensorBody* body);
};

// What only leaves with a gradient, tensors that retain theirs and those with attributes need.
struct GraphRecord {
  GraphRecord();
  ~GraphRecord();
  Tensor grad;
  Node* accumulator = nullptr;  // the leaf's node; it owns a reference to the leaf, not the reverse
  std::unique_ptr<HookList> hooks;    // of a leaf
  HookList* retained_in = nullptr;    // the list that fills .grad of this non-leaf
  std::shared_ptr<void> attributes;   // what an embedding interpreter keeps with the tensor
};

inline const Dims& Tensor::shape() const { return body_->shape; }
inline const Dims& Tensor::strides() const { return body_->strides; }
inline DType Tensor::dtype() const { return body_->dtype; }
inline std::int64_t Tensor::numel() const { return body_->numel; }
inline bool Tensor::is_contiguous() const { return body_->contiguous; }
inline bool Tensor::is_number() const { return body_->number; }
inline std::byte* Tensor::bytes() const { return body_->data; }
inline const Ref<Storage>& Tensor::storage() const { return body_->storage; }
inline bool Tensor::sole_owner() const { return body_.unique() && body_->storage.unique(); }

// The tensor's record, made when it has none.
GraphRecord& record_of(const Tensor& t);

// The tensor's gradient, undefined when there is none.
Tensor gradient_of(const Tensor& t);

// The floating-point type that numbers and integers take when nothing else decides; float32 unless set.
DType default_dtype();
// For all threads. Throws TypeError unless it is a floating-point type.
void set_default_dtype(DType dtype);

// While it lives, the numbers of a formula that this thread evaluates take this type instead of the default: the gate's own.
class FormulaType {
 public:
  explicit FormulaType(DType dtype);
  ~FormulaType();
  FormulaType(const FormulaType&) = delete;
  FormulaType& operator=(const FormulaType&) = delete;

 private:
  DType before_;
};

// The type in which an operation on these tensors computes: tensors with dimensions decide over 0-d ones, and those
// over numbers, unless the lesser are of a higher kind (bool < integer < floating).
DType result_type(const Tensor* tensors, int count);
inline DType result_type(const Tensor& a, const Tensor& b) {
  const Tensor both[] = {a, b};
  return result_type(both, 2);
}

}  // namespace gradgate
