// KeptTensor: a tensor that a gate keeps, without the two keeping each other alive.
//
// A tensor that is changed in place becomes the output of a new gate. If an earlier gate kept that tensor, or a view of it, and the new
// gate's inputs lead back there, tensor and gates would form a cycle of references. So whoever changes a tensor first calls let_go(),
// after which all that is kept of it stands on bodies of its own, with the place in the graph that it had.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

class KeptTensor {
 public:
  KeptTensor() = default;
  explicit KeptTensor(Tensor t) : tensor_(std::move(t)) { link(); }
  KeptTensor(const KeptTensor& other) : tensor_(other.tensor_) { link(); }
  KeptTensor& operator=(const KeptTensor& other) { return *this = KeptTensor(other); }
  KeptTensor& operator=(KeptTensor&& other) noexcept {
    if (this == &other) return *this;
    unlink();
    other.unlink();
    tensor_ = std::move(other.tensor_);
    link();
    return *this;
  }
  ~KeptTensor() { unlink(); }

  const Tensor& get() const { return tensor_; }

  // Detaches what is kept of a tensor that is no view, and of its views, from them: it is about to be modified.
  static void let_go(const Tensor& base);

 private:
  void link() {
    if (!tensor_.defined()) return;
    const Tensor& base = tensor_.body()->base;
    KeptTensor*& first = (base.defined() ? base : tensor_).body()->kept;
    next_ = first;
    link_ = &first;
    if (next_) next_->link_ = &next_;
    first = this;
  }
  void unlink() {
    if (!link_) return;
    *link_ = next_;
    if (next_) next_->link_ = link_;
    link_ = nullptr;
  }

  Tensor tensor_;
  KeptTensor* next_ = nullptr;
  KeptTensor** link_ = nullptr;  // what points to this one: the base's body or the one before
};

}  // namespace gradgate
