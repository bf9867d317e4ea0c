// DType: the element types and their promotion.
#pragma once

#include <cstdint>
#include <ostream>

#include "base/error.h"

namespace gradgate {

// In order of promotion: the result type of two tensors is the later of theirs.
enum class DType : std::uint8_t { boolean, uint8, int32, int64, float32, float64 };

enum class Kind : std::uint8_t { boolean, integer, floating };

constexpr Kind kind(DType t) {
  return t == DType::boolean ? Kind::boolean : t < DType::float32 ? Kind::integer : Kind::floating;
}
constexpr bool is_floating(DType t) { return kind(t) == Kind::floating; }
constexpr bool is_signed(DType t) { return t != DType::boolean && t != DType::uint8; }

constexpr int item_size(DType t) {
  constexpr int sizes[] = {1, 1, 4, 8, 4, 8};
  return sizes[static_cast<int>(t)];
}

constexpr const char* name(DType t) {
  constexpr const char* names[] = {"bool", "uint8", "int32", "int64", "float32", "float64"};
  return names[static_cast<int>(t)];
}

inline std::ostream& operator<<(std::ostream& out, DType t) { return out << name(t); }

constexpr DType promote(DType a, DType b) { return a > b ? a : b; }

template <class T>
struct DTypeOf;
template <> struct DTypeOf<bool> { static constexpr DType value = DType::boolean; };
template <> struct DTypeOf<std::uint8_t> { static constexpr DType value = DType::uint8; };
template <> struct DTypeOf<std::int32_t> { static constexpr DType value = DType::int32; };
template <> struct DTypeOf<std::int64_t> { static constexpr DType value = DType::int64; };
template <> struct DTypeOf<float> { static constexpr DType value = DType::float32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::float64; };

// Calls f.template operator()<T>() with the C++ type of t.
template <class F>
decltype(auto) visit(DType t, F&& f) {
  switch (t) {
    case DType::boolean: return f.template operator()<bool>();
    case DType::uint8: return f.template operator()<std::uint8_t>();
    case DType::int32: return f.template operator()<std::int32_t>();
    case DType::int64: return f.template operator()<std::int64_t>();
    case DType::float32: return f.template operator()<float>();
    default: return f.template operator()<double>();
  }
}

// The same for the floating-point types alone; `operation` is named in the error.
template <class F>
decltype(auto) visit_floating(const char* operation, DType t, F&& f) {
  if (t == DType::float32) return f.template operator()<float>();
  if (t == DType::float64) return f.template operator()<double>();
  fail<RuntimeError>(operation, " needs a float32 or float64 tensor, got ", t, "; convert it with .float()");
}

}  // namespace gradgate
