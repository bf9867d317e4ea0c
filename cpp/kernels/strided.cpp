// Cuts strided operands into runs, and copies those that are not contiguous through buffers.
#include "kernels/strided.h"

#include <algorithm>
#include <cstring>

#include "base/float_environment.h"
#include "base/host.h"

namespace gradgate {
namespace {

// Elements that pass through the buffers of strided operands at a time: four of them stay in half of a 32 KB L1.
constexpr std::int64_t kRunElements = 512;

// The same where operands are contiguous or repeat elements: a buffer is written once, and stays in half of L1 as double, too. Each
// run costs 13 ns of its own, more than the product of 512 elements.
constexpr std::int64_t kRepeatedElements = 2048;

// Rows up to this length are joined to longer runs: copying them costs less than runs of their own.
constexpr std::int64_t kJoinedRow = 256;

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

// Copies `count` elements of `size` bytes, `stride` elements from each other, to where they are contiguous.
template <int size>
void copy_row(const std::byte* from, std::int64_t stride, std::int64_t count, std::byte* to) {
  if (stride == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(count * size));
  } else if (stride == 0) {
    std::byte element[size];
    std::memcpy(element, from, size);
    for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * size, element, size);
  } else {
#pragma GCC unroll 4
    for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * size, from + i * stride * size, size);
  }
}

// Rows below this length are copied column by column: a loop or a call for so few elements costs more than their copies (65,536 rows of 3
// scattered elements took 121 us and take 69).
constexpr std::int64_t kShortRow = 8;

// Items of an operand: their elements lie `within` of each other, `width` in an item, and the items lie `step` of each other.
struct Items {
  const std::byte* first;
  std::int64_t step, within, count, width;
};

template <int size>
void copy_items(const Items& items, std::byte* to) {
  const auto [first, step, within, count, width] = items;
  if (width == 1) return copy_row<size>(first, step, count, to);
  if (step != 0 && width < kShortRow) {
    for (std::int64_t j = 0; j < width; ++j)
      for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + (i * width + j) * size, first + (i * step + j * within) * size, size);
    return;
  }
  if (step != 0) {
    for (std::int64_t i = 0; i < count; ++i) copy_row<size>(first + i * step * size, within, width, to + i * width * size);
    return;
  }
  copy_row<size>(first, within, width, to);
  for (std::int64_t done = width; done < count * width; done *= 2)
    std::memcpy(to + done * size, to, static_cast<std::size_t>(std::min(done, count * width - done) * size));
}

// Writes contiguous elements to where they lie `stride` of each other.
template <int size>
void spread_row(const std::byte* from, std::int64_t count, std::int64_t stride, std::byte* to) {
  for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * stride * size, from + i * size, size);
}

// The copies of elements of one size.
struct Copies {
  void (*items)(const Items& items, std::byte* to);
  void (*spread)(const std::byte* from, std::int64_t count, std::int64_t stride, std::byte* to);
};

template <int size>
constexpr Copies kCopies{copy_items<size>, spread_row<size>};

const Copies& copies_of(int element_size) {
  return element_size == 1 ? kCopies<1> : element_size == 4 ? kCopies<4> : kCopies<8>;
}

// Gives runs of an input as contiguous elements: themselves, or a copy.
class ContiguousRuns {
 public:
  void use(int element_size, std::byte* buffer) {
    copies_ = &copies_of(element_size);
    buffer_ = buffer;
  }

  std::byte* run(std::byte* first, std::int64_t step, std::int64_t within, std::int64_t items, std::int64_t width) {
    if (within == 1 && (step == width || items == 1)) return first;
    if (step == 0 && first == repeated_ && items <= filled_) return buffer_;
    copies_->items({first, step, within, items, width}, buffer_);
    // An operand that broadcasts may be the same items for many runs, whose copies are written once.
    repeated_ = step == 0 ? first : nullptr;
    filled_ = items;
    return buffer_;
  }

 private:
  const Copies* copies_ = nullptr;
  std::byte* buffer_ = nullptr;
  const std::byte* repeated_ = nullptr;
  std::int64_t filled_ = 0;
};

// Where in every operand a run begins.
template <int operands>
class RunPosition {
 public:
  RunPosition(const RunPlan<operands>& plan, std::int64_t run) : plan_(plan), index_(Dims::filled(plan.nest.shape.size(), 0)) {
    if (run == 0) return;  // without the divisions
    const LoopNest<operands>& nest = plan.nest;
    part_ = run % plan.runs_per_row;
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
  std::int64_t part_ = 0;
  Dims index_;
  typename RunPlan<operands>::Steps row_{};
};

// The runs begin ... end - 1 of the plan.
template <int operands>
void walk_part(const RunPlan<operands>& plan, const std::array<UntypedOperand, operands>& operand, RunKernel kernel, std::int64_t begin,
               std::int64_t end) {
  constexpr std::size_t largest = 8;
  alignas(64) std::byte memory[(kRunElements + (operands - 1) * kRepeatedElements) * largest];
  std::array<ContiguousRuns, operands - 1> inputs;
  std::byte* free = memory + kRunElements * operand[0].element_size;
  for (std::size_t i = 1; i < operands; ++i) {
    inputs[i - 1].use(operand[i].element_size, free);
    free += kRepeatedElements * operand[i].element_size;
  }
  const std::int64_t width = plan.width;
  RunPosition<operands> at(plan, begin);
  for (std::int64_t run = begin; run < end; ++run, at.advance()) {
    const std::int64_t items = at.items();
    std::byte* data[operands];
    std::byte* const target = operand[0].data + at.offset(0) * operand[0].element_size;
    data[0] = plan.is_contiguous(0) ? target : memory;
    for (std::size_t i = 1; i < operands; ++i)
      data[i] = inputs[i - 1].run(operand[i].data + at.offset(i) * operand[i].element_size, plan.step[i], plan.within[i], items, width);
    kernel(items * width, data);
    if (data[0] != target) copies_of(operand[0].element_size).spread(memory, items, plan.step[0], target);
  }
}

}  // namespace

template <int operands>
void walk_runs(const Dims& shape, const std::array<UntypedOperand, operands>& operand, RunKernel kernel) {
  const std::int64_t total = shape.product();
  if (total == 0) return;
  FloatEnvironment environment;
  LongWork work(total);  // about a nanosecond an element
  LoopNest<operands> nest{shape, {}};
  for (std::size_t i = 0; i < operands; ++i) nest.strides[i] = *operand[i].strides;
  nest.sort();
  nest.coalesce();
  if (nest.is_contiguous()) {
    parallel_for(total, kElementwiseGrain, [&](std::int64_t begin, std::int64_t end) {
      std::byte* data[operands];
      for (std::size_t i = 0; i < operands; ++i) data[i] = operand[i].data + begin * operand[i].element_size;
      kernel(end - begin, data);
    });
    return;
  }
  const RunPlan<operands> plan(nest);
  if (total <= kElementwiseGrain) return walk_part<operands>(plan, operand, kernel, 0, plan.runs());
  const std::int64_t grain = std::max<std::int64_t>(kElementwiseGrain / (plan.run * plan.width), 1);
  parallel_for(plan.runs(), grain, [&](std::int64_t begin, std::int64_t end) { walk_part<operands>(plan, operand, kernel, begin, end); });
}

template void walk_runs<2>(const Dims&, const std::array<UntypedOperand, 2>&, RunKernel);
template void walk_runs<3>(const Dims&, const std::array<UntypedOperand, 3>&, RunKernel);
template void walk_runs<4>(const Dims&, const std::array<UntypedOperand, 4>&, RunKernel);
template void walk_runs<5>(const Dims&, const std::array<UntypedOperand, 5>&, RunKernel);

}  // namespace gradgate
