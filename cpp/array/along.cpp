// Walks the positions in rows, of any strides.
#include "array/along.h"

#include <algorithm>
#include <array>

#include "base/float_environment.h"
#include "array/copy.h"
#include "base/host.h"
#include "base/thread_pool.h"
#include "kernels/gather.h"

namespace gradgate {
namespace {

enum Operand { kIndex, kLarge, kSmall, kOperands };

// The rows of the index and of the other two arrays; the large one stands still along `dim`.
class Rows {
 public:
  Rows(const Array& large, int dim, const Array& index, const Array& small)
      : nest_{index.shape(), {index.strides(), large.strides(), operand<const std::byte>(small, index.shape()).strides}},
        total_(index.numel()) {
    nest_.strides[kLarge][dim] = 0;
    nest_.coalesce();
    if (nest_.shape.empty()) {
      nest_.shape.push_back(1);
      for (Dims& strides : nest_.strides) strides.push_back(0);
    }
  }

  std::int64_t total() const { return total_; }
  std::int64_t step(Operand operand) const { return nest_.strides[operand].back(); }
  // How many elements follow each other that may share elements of the large array with each other, but not with those behind them.
  std::int64_t separate() const {
    const bool apart = nest_.strides[kLarge][0] != 0 && total_ > 0;
    return apart ? total_ / nest_.shape[0] : total_;
  }

  // run(offsets of the operands, count) for the pieces of rows in [begin, end).
  template <class Run>
  void walk(std::int64_t begin, std::int64_t end, const Run& run) const {
    const int last = nest_.shape.size() - 1;
    const std::int64_t n = nest_.shape[last];
    std::array<std::int64_t, kOperands> offsets{};
    Dims at = nest_.shape;
    std::int64_t row = begin / n, from = begin % n;
    for (int d = last - 1; d >= 0; --d) {
      at[d] = row % nest_.shape[d];
      row /= nest_.shape[d];
      for (std::size_t k = 0; k < kOperands; ++k) offsets[k] += at[d] * nest_.strides[k][d];
    }
    for (std::int64_t i = begin; i < end; from = 0) {
      const std::int64_t count = std::min(n - from, end - i);
      run(offsets[kIndex] + from * step(kIndex), offsets[kLarge] + from * step(kLarge), offsets[kSmall] + from * step(kSmall), count);
      i += count;
      for (int d = last - 1; d >= 0; --d) {
        for (std::size_t k = 0; k < kOperands; ++k) offsets[k] += nest_.strides[k][d];
        if (++at[d] < nest_.shape[d]) break;
        at[d] = 0;
        for (std::size_t k = 0; k < kOperands; ++k) offsets[k] -= nest_.shape[d] * nest_.strides[k][d];
      }
    }
  }

 private:
  LoopNest<kOperands> nest_;
  std::int64_t total_;
};

// f(an element of the large array, one of the small one) for every position; pieces start at multiples of `unit`.
template <class T, class F>
void each_pair(const Array& large, int dim, const Array& index, const Array& small, bool writes_large, const F& f) {
  const Rows rows(large, dim, index, small);
  if (rows.total() == 0) return;
  const std::int64_t unit = writes_large ? rows.separate() : 1, size = large.size(dim), stride = large.strides()[dim];
  const std::int64_t steps[] = {rows.step(kIndex), rows.step(kLarge), rows.step(kSmall)};
  FloatEnvironment environment;
  LongWork long_work(rows.total());
  parallel_for(rows.total() / unit, std::max<std::int64_t>(kElementwiseGrain / unit, 1), [&](std::int64_t begin, std::int64_t end) {
    rows.walk(begin * unit, end * unit, [&](std::int64_t index_at, std::int64_t large_at, std::int64_t small_at, std::int64_t count) {
      const std::int64_t* const position = index.data<std::int64_t>() + index_at;
      T *const to = large.data<T>() + large_at, *const from = small.data<T>() + small_at;
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t p = position[i * steps[kIndex]];
        f(to[i * steps[kLarge] + (p < 0 ? p + size : p) * stride], from[i * steps[kSmall]]);
      }
    });
  });
}

}  // namespace

void take_along(const Array& large, int dim, const Array& index, const Array& small) {
  visit(large.dtype(), [&]<class T>() { each_pair<T>(large, dim, index, small, false, [](const T& x, T& y) { y = x; }); });
}

void put_along(const Array& large, int dim, const Array& index, const Array& small) {
  visit(large.dtype(), [&]<class T>() { each_pair<T>(large, dim, index, small, true, [](T& y, const T& x) { y = x; }); });
}

void add_along(const Array& large, int dim, const Array& index, const Array& small) {
  visit(large.dtype(), [&]<class T>() { each_pair<T>(large, dim, index, small, true, [](T& y, const T& x) { y = sum_of(y, x); }); });
}

}  // namespace gradgate
