// Ref<T>: a pointer that shares its object through the count inside it.
//
// Counts are not atomic: tensors and nodes are touched only by the thread that holds the interpreter lock
// (in C++, by one thread at a time). The thread pool's workers see raw arrays only.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace gradgate {

// T has `std::int32_t refs = 0` and a `static void destroy(T*)`.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* p) : p_(p) { retain(); }
  Ref(const Ref& other) : p_(other.p_) { retain(); }
  Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~Ref() { release(); }

  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  bool unique() const { return p_ && p_->refs == 1; }
  void reset() { Ref().swap(*this); }
  void swap(Ref& other) noexcept { std::swap(p_, other.p_); }

  // As a reference to a base or to a const object.
  template <class U>
    requires std::is_convertible_v<T*, U*>
  operator Ref<U>() const {
    return Ref<U>(p_);
  }

  friend bool operator==(const Ref& a, const Ref& b) { return a.p_ == b.p_; }

 private:
  void retain() {
    if (p_) ++p_->refs;
  }
  void release() {
    if (p_ && --p_->refs == 0) T::destroy(p_);
  }
  T* p_ = nullptr;
};

// The base of what is shared through Ref by those who do not know its class.
class Shared {
 public:
  mutable std::int32_t refs = 0;
  Shared() = default;
  Shared(const Shared&) {}
  Shared& operator=(const Shared&) { return *this; }
  virtual ~Shared() = default;
  static void destroy(const Shared* s) { s->dispose(); }

 private:
  virtual void dispose() const { delete this; }
};

}  // namespace gradgate
