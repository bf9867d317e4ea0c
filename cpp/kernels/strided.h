// Runs kernels that are written for contiguous arrays over operands of any shape and strides.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/dims.h"
#include "base/float_environment.h"
#include "base/host.h"
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

// Elements that pass through the buffers of strided operands at a time: four of them stay in half of a 32 KB L1.
inline constexpr std::int64_t kRunElements = 512;

// The same where operands are contiguous or repeat one element: a buffer is written once, and stays in half of L1 as double, too.
// Each run costs 13 ns of its own, more than the product of 512 elements.
inline constexpr std::int64_t kRepeatedElements = 2048;

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
};

// Gives runs of an operand as contiguous elements: themselves, or a copy.
template <class T>
class ContiguousRuns {
 public:
  const T* run(const T* p, std::int64_t stride, std::int64_t count) {
    if (stride == 1) return p;
    if (stride == 0) return repeated(p, count);
    for (std::int64_t i = 0; i < count; ++i) buffer_[static_cast<std::size_t>(i)] = p[i * stride];
    return buffer_.data();
  }

 private:
  // An operand that broadcasts may be the same element for many runs, whose copies are written once.
  const T* repeated(const T* p, std::int64_t count) {
    if (p != element_ || count > filled_) {
      std::fill_n(buffer_.data(), count, *p);
      element_ = p;
      filled_ = count;
    }
    return buffer_.data();
  }

  const T* element_ = nullptr;
  std::int64_t filled_ = 0;
  std::array<T, kRepeatedElements> buffer_;
};

// Where in every operand a run begins. The rows of the nest, its last dimension, are cut into `runs_per_row` runs of `run` elements.
template <int operands>
class RunPosition {
 public:
  using Offsets = std::array<std::int64_t, operands>;

  RunPosition(const LoopNest<operands>& nest, const Offsets& step, std::int64_t run, std::int64_t runs_per_row, std::int64_t item)
      : nest_(nest), step_(step), run_(run), runs_per_row_(runs_per_row), part_(item % runs_per_row), index_(nest.shape) {
    std::int64_t row = item / runs_per_row;
    for (int d = nest.shape.size() - 2; d >= 0; --d) {
      index_[d] = row % nest.shape[d];
      row /= nest.shape[d];
      for (std::size_t i = 0; i < operands; ++i) row_[i] += index_[d] * nest.strides[i][d];
    }
  }

  std::int64_t offset(std::size_t operand) const { return row_[operand] + part_ * run_ * step_[operand]; }
  std::int64_t elements_before() const { return part_ * run_; }

  void advance() {
    if (++part_ < runs_per_row_) return;
    part_ = 0;
    for (int d = nest_.shape.size() - 2; d >= 0; --d) {
      for (std::size_t i = 0; i < operands; ++i) row_[i] += nest_.strides[i][d];
      if (++index_[d] < nest_.shape[d]) return;
      index_[d] = 0;
      for (std::size_t i = 0; i < operands; ++i) row_[i] -= nest_.shape[d] * nest_.strides[i][d];
    }
  }

 private:
  const LoopNest<operands>& nest_;
  const Offsets& step_;
  std::int64_t run_, runs_per_row_, part_;
  Dims index_;
  Offsets row_{};
};

// kernel(n, out, inputs...) works on n contiguous elements.
// The output may be one of the inputs, with the same strides, but overlaps none otherwise.
template <class Out, class... In, class Kernel, std::size_t... I>
void for_each_run(const Dims& shape, const Kernel& kernel, const Strided<Out>& out, std::index_sequence<I...>,
                  const Strided<const In>&... in) {
  const std::int64_t total = shape.product();
  if (total == 0) return;
  FloatEnvironment environment;
  LongWork work(total);  // about a nanosecond an element
  LoopNest<1 + sizeof...(In)> nest{shape, {out.strides, in.strides...}};
  nest.sort();
  nest.coalesce();
  const int ndim = nest.shape.size();
  const std::int64_t inner = ndim ? nest.shape[ndim - 1] : 1;
  const std::array<std::int64_t, 1 + sizeof...(In)> step = [&] {
    std::array<std::int64_t, 1 + sizeof...(In)> s;
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = ndim ? nest.strides[i][ndim - 1] : 1;
    return s;
  }();

  bool contiguous = true, repeated = step[0] == 1;
  for (std::int64_t s : step) {
    contiguous = contiguous && s == 1;
    repeated = repeated && (s == 1 || s == 0);
  }
  if (ndim <= 1 && contiguous) {
    parallel_for(total, kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
      kernel(end - begin, out.data + begin, (in.data + begin)...);
    });
    return;
  }

  const std::int64_t rows = total / inner;
  const std::int64_t run = contiguous ? inner : std::min(inner, repeated ? kRepeatedElements : kRunElements);
  const std::int64_t runs_per_row = (inner + run - 1) / run;
  parallel_for(rows * runs_per_row, std::max<std::int64_t>(kElementwiseGrain / run, 1), [&](std::int64_t begin, std::int64_t end) {
    std::tuple<ContiguousRuns<std::remove_const_t<In>>...> runs;
    std::array<Out, kRunElements> out_buffer;
    RunPosition<1 + sizeof...(In)> at(nest, step, run, runs_per_row, begin);
    for (std::int64_t item = begin; item < end; ++item, at.advance()) {
      const std::int64_t count = std::min(run, inner - at.elements_before());
      Out* const target = out.data + at.offset(0);
      Out* const result = step[0] == 1 ? target : out_buffer.data();
      kernel(count, result, std::get<I>(runs).run(in.data + at.offset(I + 1), step[I + 1], count)...);
      if (step[0] != 1)
        for (std::int64_t i = 0; i < count; ++i) target[i * step[0]] = result[i];
    }
  });
}

template <class Out, class... In, class Kernel>
void elementwise(const Dims& shape, const Kernel& kernel, const Strided<Out>& out, const Strided<const In>&... in) {
  for_each_run<Out, In...>(shape, kernel, out, std::index_sequence_for<In...>(), in...);
}

}  // namespace gradgate
