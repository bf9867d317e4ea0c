// Copying and converting elements.
#include "array/copy.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>


namespace gradgate {
namespace {

template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    constexpr To low = std::numeric_limits<To>::min(), high = std::numeric_limits<To>::max();
    // 2^bits is a value of From where `high` itself may not be.
    if (!(x == x)) return To(0);
    if (x >= static_cast<From>(high / 2 + 1) * From(2)) return high;
    if (x <= static_cast<From>(low)) return low;
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

template <class To, class From>
void convert_run(std::int64_t n, To* to, const From* from) {
  if constexpr (std::is_same_v<To, From>)
    std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(To));
  else
    for (std::int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
}

template <class To, class From>
bool fits(From x) {
  constexpr double high = static_cast<double>(std::numeric_limits<To>::max());
  constexpr double low = std::is_unsigned_v<To> ? -high : static_cast<double>(std::numeric_limits<To>::lowest());
  const auto value = static_cast<double>(x);
  if constexpr (std::is_same_v<To, bool> || std::is_same_v<To, From>) return true;
  if constexpr (std::is_floating_point_v<To>) return !(std::abs(value) > high) || std::isinf(value);
  return value >= low && value < high + 1;  // in this form false for NaN, and right where `high` is 2^63 - 1
}

// The first byte of a tensor that has elements, and the one behind its last.
std::pair<const std::byte*, const std::byte*> extent(const Array& t) {
  const std::byte *first = t.bytes(), *last = t.bytes();
  for (int i = 0; i < t.ndim(); ++i) (t.strides()[i] < 0 ? first : last) += (t.size(i) - 1) * t.strides()[i] * item_size(t.dtype());
  return {first, last + item_size(t.dtype())};
}

}  // namespace

bool is_dense(const Array& t) {
  if (t.is_contiguous()) return true;
  LoopNest<1> nest{t.shape(), {t.strides()}};
  nest.sort();
  nest.coalesce();
  return nest.shape.size() == 0 || (nest.shape.size() == 1 && nest.strides[0][0] == 1);
}

Array empty_like(const Array& t, DType dtype) {
  Array out = Array::empty(t.shape(), dtype);
  if (t.is_contiguous() || !is_dense(t)) return out;
  return out.viewed(t.shape(), t.strides());
}

void copy_elements(const Array& to, const Array& from) {
  visit(to.dtype(), [&]<class To>() {
    visit(from.dtype(), [&]<class From>() {
      elementwise<To, From>(to.shape(), convert_run<To, From>, {to.data<To>(), to.strides()}, operand<const From>(from, to.shape()));
    });
  });
}

void check_fits(const char* operation, const Array& values, DType dtype) {
  const Array v = packed(values);
  visit(dtype, [&]<class To>() {
    visit(v.dtype(), [&]<class From>() {
      for (std::int64_t i = 0; i < v.numel(); ++i)
        if (const From value = v.data<From>()[i]; !fits<To>(value))
          fail<RuntimeError>(operation, ": value ", value, " cannot be converted to type ", dtype, " without overflow");
    });
  });
}

Array copied(const Array& a) {
  Array out = empty_like(a);
  copy_elements(out, a);
  return out;
}

Array packed(const Array& a) {
  if (a.is_contiguous()) return a;
  Array out = Array::empty(a.shape(), a.dtype());
  copy_elements(out, a);
  return out;
}

Array converted(const Array& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  Array out = empty_like(a, dtype);
  copy_elements(out, a);
  return out;
}

bool may_overlap(const Array& a, const Array& b) {
  if (a.numel() == 0 || b.numel() == 0) return false;
  const auto [a_first, a_end] = extent(a);
  const auto [b_first, b_end] = extent(b);
  return a_first < b_end && b_first < a_end;
}

}  // namespace gradgate
