// DType: the element types and their promotion.
#pragma once

#include <cstdint>
#include <ostream>

#include "base/error.h"

namespace gradgate {

// Every element type, in order of promotion: the result type of two tensors is the later of theirs. All that is known of the types is made
// from this list, so that none can be forgotten.
#define GRADGATE_DTYPES(DTYPE)                  \
  DTYPE(boolean, bool, boolean, "bool")         \
  DTYPE(uint8, std::uint8_t, integer, "uint8")  \
  DTYPE(int32, std::int32_t, integer, "int32")  \
  DTYPE(int64, std::int64_t, integer, "int64")  \
  DTYPE(float32, float, floating, "float32")    \
  DTYPE(float64, double, floating, "float64")

#define GRADGATE_ENUMERATOR(dtype, type, kind, name) dtype,
enum class DType : std::uint8_t { GRADGATE_DTYPES(GRADGATE_ENUMERATOR) };
#undef GRADGATE_ENUMERATOR

#define GRADGATE_DTYPE(dtype, type, kind, name) DType::dtype,
inline constexpr DType kEveryDType[] = {GRADGATE_DTYPES(GRADGATE_DTYPE)};
#undef GRADGATE_DTYPE

enum class Kind : std::uint8_t { boolean, integer, floating };

constexpr Kind kind(DType t) {
#define GRADGATE_KIND(dtype, type, kind, name) Kind::kind,
  constexpr Kind kinds[] = {GRADGATE_DTYPES(GRADGATE_KIND)};
#undef GRADGATE_KIND
  return kinds[static_cast<int>(t)];
}
constexpr bool is_floating(DType t) { return kind(t) == Kind::floating; }

constexpr bool is_signed(DType t) {
#define GRADGATE_SIGN(dtype, type, kind, name) static_cast<type>(-1) < static_cast<type>(0),
  constexpr bool negative[] = {GRADGATE_DTYPES(GRADGATE_SIGN)};
#undef GRADGATE_SIGN
  return negative[static_cast<int>(t)];
}

constexpr int item_size(DType t) {
#define GRADGATE_SIZE(dtype, type, kind, name) sizeof(type),
  constexpr int sizes[] = {GRADGATE_DTYPES(GRADGATE_SIZE)};
#undef GRADGATE_SIZE
  return sizes[static_cast<int>(t)];
}

constexpr const char* name(DType t) {
#define GRADGATE_NAME(dtype, type, kind, name) name,
  constexpr const char* names[] = {GRADGATE_DTYPES(GRADGATE_NAME)};
#undef GRADGATE_NAME
  return names[static_cast<int>(t)];
}

inline std::ostream& operator<<(std::ostream& out, DType t) { return out << name(t); }

constexpr DType promote(DType a, DType b) { return a > b ? a : b; }

template <class T>
struct DTypeOf;
#define GRADGATE_DTYPE_OF(dtype, type, kind, name) \
  template <> struct DTypeOf<type> { static constexpr DType value = DType::dtype; };
GRADGATE_DTYPES(GRADGATE_DTYPE_OF)
#undef GRADGATE_DTYPE_OF

// Calls f.template operator()<T>() with the C++ type of t.
template <class F>
decltype(auto) visit(DType t, F&& f) {
#define GRADGATE_CASE(dtype, type, kind, name) \
  case DType::dtype: return f.template operator()<type>();
  switch (t) { GRADGATE_DTYPES(GRADGATE_CASE) }
#undef GRADGATE_CASE
  __builtin_unreachable();
}

// The same for the floating-point types alone; `operation` is named in the error.
template <class F>
decltype(auto) visit_floating(const char* operation, DType t, F&& f) {
#define GRADGATE_CASE(dtype, type, kind, name) \
  case DType::dtype:                           \
    if constexpr (Kind::kind == Kind::floating) return f.template operator()<type>(); \
    break;
  switch (t) { GRADGATE_DTYPES(GRADGATE_CASE) }
#undef GRADGATE_CASE
  fail<RuntimeError>(operation, " needs a float32 or float64 tensor, got ", t, "; convert it with .float()");
}

}  // namespace gradgate
