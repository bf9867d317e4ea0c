// InlineVector: a vector whose first N elements need no allocation.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace gradgate {

template <class T, int N>
class InlineVector {
 public:
  InlineVector() = default;
  InlineVector(const InlineVector&) = delete;
  InlineVector& operator=(const InlineVector&) = delete;

  int size() const { return size_; }
  T& operator[](int i) { return data()[i]; }
  const T& operator[](int i) const { return data()[i]; }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }

  void push_back(T value) { add() = std::move(value); }
  // A new last element, value-initialised.
  T& add() {
    if (size_ == capacity_) grow();
    return data()[size_++];
  }
  void clear() {
    for (T& value : *this) value = T();
    size_ = 0;
  }

 private:
  void grow() {
    auto larger = std::make_unique<T[]>(static_cast<std::size_t>(2 * capacity_));
    for (int i = 0; i < size_; ++i) larger[i] = std::move(data()[i]);
    heap_ = std::move(larger);
    capacity_ *= 2;
  }
  T* data() { return heap_ ? heap_.get() : inline_; }
  const T* data() const { return heap_ ? heap_.get() : inline_; }

  int size_ = 0;
  int capacity_ = N;
  T inline_[N] = {};
  std::unique_ptr<T[]> heap_;
};

}  // namespace gradgate
