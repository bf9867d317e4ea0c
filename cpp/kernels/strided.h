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

// The same where operands are contiguous or repeat elements: a buffer is written once, and stays in half of L1 as double, too. Each
// run costs 13 ns of its own, more than the product of 512 elements.
inline constexpr std::int64_t kRepeatedElements = 2048;

// Rows up to this length are joined to longer runs: copying them costs less than runs of their own.
inline constexpr std::int64_t kJoinedRow = 256;

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

// How a nest is cut into runs: along its last dimension lie items, which are elements or whole rows of them.
template <int operands>
struct RunPlan {
  using Steps = std::array<std::int64_t, operands>;

  LoopNest<operands> nest;  // over the items
  Steps step{};             // from an item to the next
  Steps within{};           // from an element of an item to the next
  std::int64_t width = 1;   // elements of an item
  std::int64_t run = 1;     // items of a run
  std::int64_t runs_per_row = 1;

  explicit RunPlan(const LoopNest<operands>& elements) : nest(elements) {
    within.fill(1);
    if (joins_rows()) {
      const int last = nest.shape.size() - 1;
      width = nest.shape[last];
      nest.shape.erase(last);
      for (std::size_t i = 0; i < operands; ++i) {
        within[i] = nest.strides[i][last];
        nest.strides[i].erase(last);
      }
    }
    const int ndim = nest.shape.size();
    const std::int64_t items = ndim ? nest.shape[ndim - 1] : 1;
    for (std::size_t i = 0; i < operands; ++i) step[i] = ndim ? nest.strides[i][ndim - 1] : 1;
    run = most_items(items);
    runs_per_row = (items + run - 1) / run;
  }

  bool is_contiguous(std::size_t operand) const { return within[operand] == 1 && step[operand] == width; }
  std::int64_t items() const { return nest.shape.size() ? nest.shape[nest.shape.size() - 1] : 1; }
  std::int64_t runs() const { return nest.shape.product() / items() * runs_per_row; }

 private:
  // Whether short rows of the output follow each other in memory.
  bool joins_rows() const {
    const int last = nest.shape.size() - 1;
    return last >= 1 && nest.shape[last] <= kJoinedRow && nest.strides[0][last] == 1 && nest.strides[0][last - 1] == nest.shape[last];
  }
  std::int64_t most_items(std::int64_t items) const {
    bool contiguous = true, repeated = is_contiguous(0);
    for (std::size_t i = 0; i < operands; ++i) {
      contiguous = contiguous && is_contiguous(i);
      repeated = repeated && (is_contiguous(i) || step[i] == 0 || width > 1);
    }
    return contiguous ? items : std::min(items, (repeated ? kRepeatedElements : kRunElements) / width);
  }
};

// Gives runs of an operand as contiguous elements: themselves, or a copy.
template <class T>
class ContiguousRuns {
 public:
  ContiguousRuns() {}  // a defaulted one would have the tuple fill the buffer with zeros

  const T* run(const T* p, std::int64_t step, std::int64_t within, std::int64_t items, std::int64_t width) {
    if (within == 1 && (step == width || items == 1)) return p;
    if (step == 0 && p == repeated_ && items <= filled_) return buffer_.data();
    if (width == 1 && step != 0)
      copy(p, step, items, buffer_.data());
    else
      copy_items(p, step, within, items, width);
    // An operand that broadcasts may be the same items for many runs, whose copies are written once.
    repeated_ = step == 0 ? p : nullptr;
    filled_ = items;
    return buffer_.data();
  }

 private:
  static void copy(const T* p, std::int64_t stride, std::int64_t count, T* to) {
    if (stride == 1)
      std::copy_n(p, count, to);
    else if (stride == 0)
      std::fill_n(to, count, *p);
    else
      for (std::int64_t i = 0; i < count; ++i) to[i] = p[i * stride];
  }
  void copy_items(const T* p, std::int64_t step, std::int64_t within, std::int64_t items, std::int64_t width) {
    T* const to = buffer_.data();
    if (step != 0) {
      for (std::int64_t i = 0; i < items; ++i) copy(p + i * step, within, width, to + i * width);
      return;
    }
    copy(p, within, width, to);
    for (std::int64_t done = width; done < items * width; done *= 2) std::copy_n(to, std::min(done, items * width - done), to + done);
  }

  const T* repeated_ = nullptr;
  std::int64_t filled_ = 0;
  std::array<T, kRepeatedElements> buffer_;
};

// Where in every operand a run begins.
template <int operands>
class RunPosition {
 public:
  RunPosition(const RunPlan<operands>& plan, std::int64_t run) : plan_(plan), part_(run % plan.runs_per_row), index_(plan.nest.shape) {
    const LoopNest<operands>& nest = plan.nest;
    std::int64_t row = run / plan.runs_per_row;
    for (int d = nest.shape.size() - 2; d >= 0; --d) {
      index_[d] = row % nest.shape[d];
      row /= nest.shape[d];
      for (std::size_t i = 0; i < operands; ++i) row_[i] += index_[d] * nest.strides[i][d];
    }
  }

  std::int64_t offset(std::size_t operand) const { return row_[operand] + part_ * plan_.run * plan_.step[operand]; }
  std::int64_t items() const { return std::min(plan_.run, plan_.items() - part_ * plan_.run); }

  void advance() {
    if (++part_ < plan_.runs_per_row) return;
    part_ = 0;
    const LoopNest<operands>& nest = plan_.nest;
    for (int d = nest.shape.size() - 2; d >= 0; --d) {
      for (std::size_t i = 0; i < operands; ++i) row_[i] += nest.strides[i][d];
      if (++index_[d] < nest.shape[d]) return;
      index_[d] = 0;
      for (std::size_t i = 0; i < operands; ++i) row_[i] -= nest.shape[d] * nest.strides[i][d];
    }
  }

 private:
  const RunPlan<operands>& plan_;
  std::int64_t part_;
  Dims index_;
  typename RunPlan<operands>::Steps row_{};
};

// kernel(n, out, inputs...) works on n contiguous elements.
// The output may be one of the inputs, with the same strides, but overlaps none otherwise.
template <class Out, class... In, class Kernel, std::size_t... I>
void for_each_run(const Dims& shape, const Kernel& kernel, const Strided<Out>& out, std::index_sequence<I...>,
                  const Strided<const In>&... in) {
  constexpr int operands = 1 + sizeof...(In);
  const std::int64_t total = shape.product();
  if (total == 0) return;
  FloatEnvironment environment;
  LongWork work(total);  // about a nanosecond an element
  LoopNest<operands> nest{shape, {out.strides, in.strides...}};
  nest.sort();
  nest.coalesce();
  if (nest.is_contiguous()) {
    parallel_for(total, kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
      kernel(end - begin, out.data + begin, (in.data + begin)...);
    });
    return;
  }

  const RunPlan<operands> plan(nest);
  const std::int64_t width = plan.width, grain = std::max<std::int64_t>(kElementwiseGrain / (plan.run * width), 1);
  parallel_for(plan.runs(), grain, [&](std::int64_t begin, std::int64_t end) {
    std::tuple<ContiguousRuns<std::remove_const_t<In>>...> runs;
    std::array<Out, kRunElements> out_buffer;
    RunPosition<operands> at(plan, begin);
    for (std::int64_t run = begin; run < end; ++run, at.advance()) {
      const std::int64_t items = at.items();
      Out* const target = out.data + at.offset(0);
      Out* const result = plan.is_contiguous(0) ? target : out_buffer.data();
      kernel(items * width, result,
             std::get<I>(runs).run(in.data + at.offset(I + 1), plan.step[I + 1], plan.within[I + 1], items, width)...);
      if (result != target)
        for (std::int64_t i = 0; i < items; ++i) target[i * plan.step[0]] = result[i];
    }
  });
}

template <class Out, class... In, class Kernel>
void elementwise(const Dims& shape, const Kernel& kernel, const Strided<Out>& out, const Strided<const In>&... in) {
  for_each_run<Out, In...>(shape, kernel, out, std::index_sequence_for<In...>(), in...);
}

}  // namespace gradgate
