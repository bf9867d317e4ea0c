// Dims: up to eight integers stored inline, for shapes, strides and lists of dimensions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <ostream>

#include "base/error.h"

namespace gradgate {

inline constexpr int kMaxDims = 8;

// a * b and a + b of sizes. Throw RuntimeError when the result needs more than 64 bits.
inline std::int64_t size_product(const char* operation, std::int64_t a, std::int64_t b) {
  std::int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) fail<RuntimeError>(operation, ": a size of ", a, " * ", b, " is too large");
  return product;
}
inline std::int64_t size_sum(const char* operation, std::int64_t a, std::int64_t b) {
  std::int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) fail<RuntimeError>(operation, ": a size of ", a, " + ", b, " is too large");
  return sum;
}

class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<std::int64_t> values) {
    for (std::int64_t v : values) push_back(v);
  }
  static Dims filled(int count, std::int64_t value) {
    Dims d;
    for (int i = 0; i < count; ++i) d.push_back(value);
    return d;
  }

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t operator[](int i) const { return value_[i]; }
  std::int64_t& operator[](int i) { return value_[i]; }
  std::int64_t back() const { return value_[size_ - 1]; }
  const std::int64_t* begin() const { return value_; }
  const std::int64_t* end() const { return value_ + size_; }

  void push_back(std::int64_t v) {
    if (size_ == kMaxDims) fail<RuntimeError>("a tensor has at most ", kMaxDims, " dimensions");
    value_[size_++] = v;
  }
  void insert(int at, std::int64_t v) {
    push_back(v);
    std::rotate(value_ + at, value_ + size_ - 1, value_ + size_);
  }
  void erase(int at) {
    std::copy(value_ + at + 1, value_ + size_, value_ + at);
    --size_;
  }

  // The number of elements of a tensor of this shape. Throws RuntimeError, naming the operation, when 64 bits cannot count them.
  std::int64_t product(const char* operation = nullptr) const {
    std::int64_t count = 1;
    for (std::int64_t v : *this)
      if (__builtin_mul_overflow(count, v, &count)) [[unlikely]]
        fail_too_large(operation);
    return count;
  }
  bool contains(std::int64_t v) const { return std::find(begin(), end(), v) != end(); }

  friend bool operator==(const Dims& a, const Dims& b) { return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin()); }

  // Apart from its callers, so that these stay small.
  [[noreturn, gnu::cold, gnu::noinline]] void fail_too_large(const char* operation) const {
    fail<RuntimeError>(operation ? operation : "", operation ? ": " : "", "a tensor of shape ", *this, " is too large");
  }

  // Written as Python writes a tuple.
  friend std::ostream& operator<<(std::ostream& out, const Dims& d) {
    out << '(';
    for (int i = 0; i < d.size_; ++i) out << (i ? ", " : "") << d.value_[i];
    return out << (d.size_ == 1 ? ",)" : ")");
  }

 private:
  int size_ = 0;
  std::int64_t value_[kMaxDims];
};

// The strides, in elements, of a row-major tensor of this shape. Throws RuntimeError when one of them needs more than 64 bits.
inline Dims contiguous_strides(const Dims& shape) {
  Dims strides = shape;
  std::int64_t step = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = step;
    if (i > 0 && __builtin_mul_overflow(step, std::max<std::int64_t>(shape[i], 1), &step)) [[unlikely]]
      shape.fail_too_large(nullptr);
  }
  return strides;
}

// Dimension `dim` of a tensor of `ndim` dimensions with negative ones counted from the end; a 0-d tensor
// takes 0 and -1, as in PyTorch.
inline int wrap_dim(std::int64_t dim, int ndim) {
  const int range = std::max(ndim, 1);
  if (dim < -range || dim >= range)
    fail<IndexError>("Dimension out of range (expected to be in range of [", -range, ", ", range - 1, "], but got ", dim, ")");
  return static_cast<int>(dim < 0 ? dim + range : dim);
}

inline bool broadcasts_to(const Dims& from, const Dims& to) {
  const int added = to.size() - from.size();
  bool fits = added >= 0;
  for (int i = 0; fits && i < from.size(); ++i) fits = from[i] == 1 || from[i] == to[i + added];
  return fits;
}

// The shape that both broadcast to; `operation` is named in the error.
inline Dims broadcast_shapes(const char* operation, const Dims& a, const Dims& b) {
  if (a == b) return a;
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  Dims out = longer;
  const int shift = longer.size() - shorter.size();
  for (int i = 0; i < shorter.size(); ++i) {
    const std::int64_t x = longer[i + shift], y = shorter[i];
    if (x != y && x != 1 && y != 1)
      fail<RuntimeError>(operation, ": shapes ", a, " and ", b, " do not broadcast: at dimension ", i + shift, " the sizes ", x, " and ", y,
                         " differ and neither is 1");
    out[i + shift] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace gradgate
