// Walks blocks in the order that makes every result the same for any number of threads.
#include "kernels/gather.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"

namespace gradgate {
namespace {

// Elements below which threads cost more than they bring; as for elementwise kernels.
constexpr std::int64_t kGrain = 32'768;

// Dimensions that are walked as one are joined and those of size one dropped.
void coalesce(Dims& shape, Dims& strides) {
  Dims sizes, steps;
  for (int i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    const int last = sizes.size() - 1;
    if (last >= 0 && steps[last] == strides[i] * shape[i]) {
      sizes[last] *= shape[i];
      steps[last] = strides[i];
    } else {
      sizes.push_back(shape[i]);
      steps.push_back(strides[i]);
    }
  }
  shape = sizes;
  strides = steps;
}

// Where element `index`, counted row-major over `shape`, lies.
std::int64_t place_of(std::int64_t index, const Dims& shape, const Dims& strides) {
  std::int64_t place = 0;
  for (int d = shape.size() - 1; d >= 0; --d) {
    place += index % shape[d] * strides[d];
    index /= shape[d];
  }
  return place;
}

// The blocks with their innermost dimension apart: a run of `size` elements, `step` from each other.
struct Runs {
  explicit Runs(const Blocks& b) : blocks(b) {
    coalesce(blocks.outer_shape, blocks.outer_strides);
    coalesce(blocks.inner_shape, blocks.inner_strides);
    if (const int last = blocks.inner_shape.size() - 1; last >= 0) {
      size = blocks.inner_shape[last];
      step = blocks.inner_strides[last];
      blocks.inner_shape.erase(last);
      blocks.inner_strides.erase(last);
    }
    outer = blocks.outer_shape.product();
    per_block = blocks.inner_shape.product();
  }
  std::int64_t total() const { return outer * blocks.count * per_block * size; }

  // run(strided place, compact place) for every run of blocks [first, last) below one outer index.
  template <class Run>
  void walk(std::int64_t o, std::int64_t first, std::int64_t last, const Run& run) const {
    const std::int64_t base = place_of(o, blocks.outer_shape, blocks.outer_strides);
    std::int64_t compact = (o * blocks.count + first) * per_block * size;
    for (std::int64_t p = first; p < last; ++p) {
      for (std::int64_t i = 0; i < per_block; ++i, compact += size)
        run(base + blocks.offsets[p] + (per_block == 1 ? 0 : place_of(i, blocks.inner_shape, blocks.inner_strides)), compact);
    }
  }

  Blocks blocks;
  std::int64_t outer, per_block, size = 1, step = 1;
};

template <class T>
void copy_run(std::int64_t n, const T* from, std::int64_t step, T* out) {
  if (n == 1)
    *out = *from;
  else if (step == 1)
    std::memcpy(out, from, static_cast<std::size_t>(n) * sizeof(T));
  else
    for (std::int64_t i = 0; i < n; ++i) out[i] = from[i * step];
}

// f(begin, end, outer begin, outer end): pieces of the runs' elements and of the outer index such that no two pieces meet in an element
// of the strided array, even when offsets repeat.
template <class F>
void for_each_disjoint(const Runs& runs, const F& f) {
  const std::int64_t work = std::max<std::int64_t>(runs.blocks.count, 1) * runs.per_block;
  if (runs.outer > 1)
    parallel_for(runs.outer, std::max<std::int64_t>(kGrain / (work * runs.size), 1),
                 [&](std::int64_t begin, std::int64_t end) { f(std::int64_t{0}, runs.size, begin, end); });
  else
    // Whole cache lines of the narrowest type, so that threads share none where blocks are aligned.
    parallel_for(runs.size, std::max<std::int64_t>((kGrain / work + 63) / 64 * 64, 64),
                 [&](std::int64_t begin, std::int64_t end) { f(begin, end, std::int64_t{0}, std::int64_t{1}); });
}

// write(to, n, step, values, compact place) for every run, in the order that scatters promise.
template <class T, class Write>
void scatter(const Blocks& blocks, T* to, const Write& write) {
  const Runs runs(blocks);
  if (runs.total() == 0) return;
  FloatEnvironment environment;
  LongWork long_work(runs.total());
  for_each_disjoint(runs, [&](std::int64_t begin, std::int64_t end, std::int64_t first, std::int64_t last) {
    for (std::int64_t o = first; o < last; ++o)
      runs.walk(o, 0, runs.blocks.count, [&](std::int64_t place, std::int64_t compact) {
        write(to + place + begin * runs.step, end - begin, runs.step, compact + begin);
      });
  });
}

}  // namespace

template <class T>
void gather_blocks(const Blocks& blocks, const T* from, T* out) {
  const Runs runs(blocks);
  if (runs.total() == 0) return;
  LongWork long_work(runs.total());
  const std::int64_t count = runs.blocks.count;
  const std::int64_t grain = std::max<std::int64_t>(kGrain / (runs.per_block * runs.size), 1);
  parallel_for(runs.outer * count, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end;) {
      const std::int64_t o = block / count, first = block % count, last = std::min(count, first + end - block);
      runs.walk(o, first, last,
                [&](std::int64_t place, std::int64_t compact) { copy_run(runs.size, from + place, runs.step, out + compact); });
      block += last - first;
    }
  });
}

template <class T>
void scatter_blocks(const Blocks& blocks, T* to, const T* values) {
  scatter(blocks, to, [values](T* target, std::int64_t n, std::int64_t step, std::int64_t compact) {
    if (step == 1 && n > 1)
      std::memcpy(target, values + compact, static_cast<std::size_t>(n) * sizeof(T));
    else
      for (std::int64_t i = 0; i < n; ++i) target[i * step] = values[compact + i];
  });
}

template <class T>
void scatter_add_blocks(const Blocks& blocks, T* to, const T* values) {
  scatter(blocks, to, [values](T* target, std::int64_t n, std::int64_t step, std::int64_t compact) {
    if (step == 1)
      for (std::int64_t i = 0; i < n; ++i) target[i] = sum_of(target[i], values[compact + i]);
    else
      for (std::int64_t i = 0; i < n; ++i) target[i * step] = sum_of(target[i * step], values[compact + i]);
  });
}

template <class T>
void fill_blocks(const Blocks& blocks, T* to, T value) {
  scatter(blocks, to, [value](T* target, std::int64_t n, std::int64_t step, std::int64_t) {
    for (std::int64_t i = 0; i < n; ++i) target[i * step] = value;
  });
}

#define GRADGATE_INSTANTIATE(T)                                        \
  template void gather_blocks<T>(const Blocks&, const T*, T*);         \
  template void scatter_blocks<T>(const Blocks&, T*, const T*);        \
  template void scatter_add_blocks<T>(const Blocks&, T*, const T*);    \
  template void fill_blocks<T>(const Blocks&, T*, T);
GRADGATE_INSTANTIATE(bool)
GRADGATE_INSTANTIATE(std::uint8_t)
GRADGATE_INSTANTIATE(std::int32_t)
GRADGATE_INSTANTIATE(std::int64_t)
GRADGATE_INSTANTIATE(float)
GRADGATE_INSTANTIATE(double)
#undef GRADGATE_INSTANTIATE

}  // namespace gradgate
