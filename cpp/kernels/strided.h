// Runs kernels that are written for contiguous arrays over operands of any shape and strides.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/dims.h"
#include "base/thread_pool.h"

namespace gradgate {

// An operand: its first element, and a stride (in elements) for each dimension of the common shape.
template <class T>
struct Strided {
  T* data;
  Dims strides;
};

// Elements below which threads cost more than they bring: two passes over 32 K floats take about 10 us.
inline constexpr std::int64_t kElementwiseGrain = 32'768;

template <int operands>
struct LoopNest {
  Dims shape;
  std::array<Dims, operands> strides;

  // Orders the dimensions by operand 0's strides, so that the innermost is the one it walks fastest.
  void sort() {
    for (int i = 1; i < shape.size(); ++i)
      for (int j = i; j > 0 && strides[0][j - 1] < strides[0][j]; --j) {
        std::swap(shape[j - 1], shape[j]);
        for (Dims& s : strides) std::swap(s[j - 1], s[j]);
      }
  }

  // Drops dimensions of size one and joins those that every operand walks as one.
  void coalesce() {
    int kept = -1;
    for (int i = 0; i < shape.size(); ++i) {
      if (shape[i] == 1) continue;
      bool joins = kept >= 0;
      for (const Dims& s : strides) joins = joins && s[kept] == s[i] * shape[i];
      const std::int64_t size = shape[i];
      if (!joins) shape[++kept] = 1;
      shape[kept] *= size;
      for (Dims& s : strides) s[kept] = s[i];
    }
    const int count = kept + 1;
    while (shape.size() > count) shape.erase(count);
    for (Dims& s : strides)
      while (s.size() > count) s.erase(count);
  }

  // Once coalesced: whether every operand walks one block of memory.
  bool is_contiguous() const {
    bool contiguous = shape.size() <= 1;
    for (const Dims& s : strides) contiguous = contiguous && (s.empty() || s[0] == 1);
    return contiguous;
  }
};

// A Strided whose type is known by its size alone: 1, 4 or 8 bytes.
struct UntypedOperand {
  std::byte* data;
  const Dims* strides;  // counted in elements
  int element_size;

  template <class T>
  explicit UntypedOperand(const Strided<T>& s)
      : data(reinterpret_cast<std::byte*>(const_cast<std::remove_const_t<T>*>(s.data))), strides(&s.strides), element_size(sizeof(T)) {
    static_assert(sizeof(T) == 1 || sizeof(T) == 4 || sizeof(T) == 8, "the walk copies elements of these sizes");
  }
};

// Works on n contiguous elements of each operand, of which data[0] is the output.
using RunKernel = FunctionRef<void(std::int64_t n, std::byte* const* data)>;

// Calls the kernel on runs that cover `shape`. Compiled for two to five operands, whatever their types.
template <int operands>
void walk_runs(const Dims& shape, const std::array<UntypedOperand, operands>& operand, RunKernel kernel);

// kernel(n, out, inputs...) works on n contiguous elements.
// The output may be one of the inputs, with the same strides, but overlaps none otherwise.
template <class Out, class... In, class Kernel>
void elementwise(const Dims& shape, const Kernel& kernel, const Strided<Out>& out, const Strided<const In>&... in) {
  walk_runs<1 + sizeof...(In)>(shape, {{UntypedOperand(out), UntypedOperand(in)...}}, [&kernel](std::int64_t n, std::byte* const* data) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      kernel(n, reinterpret_cast<Out*>(data[0]), reinterpret_cast<const In*>(data[I + 1])...);
    }(std::index_sequence_for<In...>());
  });
}

}  // namespace gradgate
