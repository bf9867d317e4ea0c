// Tensor: an array and its place in the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "array/array.h"
#include "base/ref.h"

namespace gradgate {

class KeptTensor;
class Node;
struct TensorBody;
struct GraphRecord;

// A handle: copies share the body, as Python's names share an object.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<TensorBody> body) : body_(std::move(body)) {}
  // The array off the graph.
  explicit Tensor(const Array& array);
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

  // The elements without the graph.
  const Array& array() const;
  operator const Array&() const { return array(); }

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

struct TensorBody : Array {
  std::int32_t refs = 0;
  bool number = false;
  bool requires_grad = false;  // of a leaf; a result requires a gradient when it has a node
  bool viewed_off_graph = false;  // a view taken while no gates were recorded
  std::uint32_t output = 0;    // which output of the node this tensor is
  std::uint32_t history = 0;   // counts the in-place gates recorded on a base; of a view: the count its node was made for
  std::uint32_t layouts = 0;   // counts the changes of a base's shape or type through .data; of a view: the count when it was taken
  Ref<Shared> node;            // the Node of the gate that made it (graph/engine/node.h)
  Tensor base;                 // of a view: the tensor whose memory it shows,
  std::byte* base_bytes = nullptr;  // and where the base's elements were when the view was taken
  KeptTensor* kept = nullptr;  // of a base: the first in the list of what gates keep of it and of its views
  Ref<GraphRecord> record;
  void* python = nullptr;  // the object that stands for this body in an embedding interpreter

  TensorBody();
  ~TensorBody();
  static void destroy(TensorBody* body);

  using Array::allocate;
  using Array::show;
  // Makes the body show another array.
  void assign(const Array& array) { static_cast<Array&>(*this) = array; }
  // Of a view: whether its base was changed in place since its node was made.
  bool is_stale() const;
};

// What only leaves with a gradient, tensors that retain theirs and those with attributes need. A list of hooks shares it with the tensor
// whose gradient it retains.
struct GraphRecord {
  std::int32_t refs = 0;
  Tensor grad;
  Node* accumulator = nullptr;  // the leaf's node; it owns a reference to the leaf, not the reverse
  Ref<Shared> hooks;            // of a leaf: its HookList (graph/engine/hooks.h)
  bool retains_grad = false;    // of a tensor that is no leaf
  std::shared_ptr<void> attributes;  // what an embedding interpreter keeps with the tensor

  static void destroy(GraphRecord* record) { delete record; }
};

inline const Array& Tensor::array() const { return *body_; }
inline const Dims& Tensor::shape() const { return body_->shape(); }
inline const Dims& Tensor::strides() const { return body_->strides(); }
inline DType Tensor::dtype() const { return body_->dtype(); }
inline std::int64_t Tensor::numel() const { return body_->numel(); }
inline bool Tensor::is_contiguous() const { return body_->is_contiguous(); }
inline bool Tensor::is_number() const { return body_->number; }
inline std::byte* Tensor::bytes() const { return body_->bytes(); }
inline const Ref<Storage>& Tensor::storage() const { return body_->storage(); }
inline bool Tensor::sole_owner() const { return body_.unique() && body_->storage().unique() && body_->storage()->owns_memory(); }
// A base of another shape by now no longer tells where its views lie.
inline bool TensorBody::is_stale() const {
  return base.defined() && base.body()->history != history && base.body()->layouts == layouts;
}

// A stale view has the place of its base, which gives it a node when it is next used.
inline bool Tensor::requires_grad() const {
  return body_->node || body_->requires_grad || (body_->is_stale() && body_->base.requires_grad());
}
inline bool Tensor::is_leaf() const { return !body_->node && !(body_->is_stale() && body_->base.requires_grad()); }

// The tensor's record, made when it has none.
GraphRecord& record_of(const Tensor& t);

// The tensor's gradient, undefined when there is none.
Tensor gradient_of(const Tensor& t);

}  // namespace gradgate
