// Cuts random draws into groups and threads; draws coins and integers from the words.
#include "kernels/random.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"
#include "kernels/dispatch.h"

namespace gradgate {
namespace {

// Elements below which threads cost more than they bring; a few nanoseconds each.
constexpr std::int64_t kGrain = 8'192;

// Calls draw(first_group, groups, out) for whole groups of `size` elements, and copies from a buffer at the ends.
template <class T, class Draw>
void for_groups(std::uint64_t position, std::int64_t n, int size, T* out, const Draw& draw) {
  if (n == 0) return;
  FloatEnvironment environment;
  LongWork work(4 * n);
  const auto wide = static_cast<std::uint64_t>(size);
  const std::uint64_t first = position / wide;
  const auto skipped = static_cast<std::int64_t>(position % wide);
  parallel_for((skipped + n + size - 1) / size, kGrain / size, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t g = begin; g < end;) {
      const std::int64_t at = g * size - skipped;
      if (at >= 0 && at + size <= n) {
        const std::int64_t groups = std::min(end - g, (n - at) / size);
        draw(first + static_cast<std::uint64_t>(g), groups, at, out + at);
        g += groups;
        continue;
      }
      T buffer[kWordsPerGroup];
      draw(first + static_cast<std::uint64_t>(g), 1, at, buffer);
      const std::int64_t from = std::max<std::int64_t>(at, 0), to = std::min(at + size, n);
      std::copy(buffer + (from - at), buffer + (to - at), out + from);
      ++g;
    }
  });
}

template <class T>
void fill(typename RandomTable<T>::Fill kernel, RandomStart start, std::int64_t n, T* out, const T* parameters) {
  for_groups(start.position, n, RandomTable<T>::kElementsPerGroup, out,
             [&](std::uint64_t group, std::int64_t groups, std::int64_t, T* to) { kernel(start.seed, group, groups, to, parameters); });
}

// probability(i) of element i, which may be asked for elements before the first and after the last.
template <class Probability>
void draw_coins_of(RandomStart start, std::int64_t n, bool* out, const Probability& probability) {
  const RandomWords words = kernels().random_words;
  for_groups(start.position, n, kWordsPerGroup, out, [&](std::uint64_t group, std::int64_t groups, std::int64_t at, bool* to) {
    for (std::int64_t g = 0; g < groups; ++g) {
      std::uint32_t word[kWordsPerGroup];
      words({start.seed, RandomKind::coin}, 0, group + static_cast<std::uint64_t>(g), 1, word);
      for (int i = 0; i < kWordsPerGroup; ++i) {
        const std::int64_t element = g * kWordsPerGroup + i;
        const auto limit = static_cast<std::uint64_t>(probability(at + element) * 0x1p32 + 0.5);
        to[element] = (word[i] < static_cast<std::uint32_t>(limit)) | (limit >> 32 != 0);
      }
    }
  });
}

constexpr int kIntegersPerGroup = kWordsPerGroup / 2;

// The 64-bit elements of kind `integer`, one group at a time.
class IntegerStream {
 public:
  explicit IntegerStream(std::uint64_t seed) : seed_(seed), words_(kernels().random_words) {}

  // Uniform in [0, range), range 0 standing for 2^64: the upper half of element * range, drawn anew where the lower half would
  // favour some values (Lemire: Fast random integer generation in an interval, 2019).
  std::uint64_t below(std::uint64_t range, std::uint64_t position) {
    const std::uint64_t group = position / kIntegersPerGroup;
    const auto index = static_cast<int>(position % kIntegersPerGroup);
    if (!loaded_ || group != group_) load(group);
    std::uint64_t x = element(word_, index);
    if (range == 0) return x;
    unsigned __int128 product = static_cast<unsigned __int128>(x) * range;
    if (static_cast<std::uint64_t>(product) < range) {
      const std::uint64_t favoured = -range % range;
      for (std::uint32_t attempt = 1; static_cast<std::uint64_t>(product) < favoured; ++attempt) {
        std::uint32_t retry[kWordsPerGroup];
        words_({seed_, RandomKind::integer}, attempt, group, 1, retry);
        x = element(retry, index);
        product = static_cast<unsigned __int128>(x) * range;
      }
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  static std::uint64_t element(const std::uint32_t* word, int index) {
    const int at = index / kBlocksPerGroup * 2 * kBlocksPerGroup + index % kBlocksPerGroup;
    return std::uint64_t{word[at]} << 32 | word[at + kBlocksPerGroup];
  }
  void load(std::uint64_t group) {
    words_({seed_, RandomKind::integer}, 0, group, 1, word_);
    group_ = group;
    loaded_ = true;
  }

  std::uint64_t seed_, group_ = 0;
  RandomWords words_;
  bool loaded_ = false;
  std::uint32_t word_[kWordsPerGroup];
};

}  // namespace

template <class T>
void draw_uniform(RandomStart start, std::int64_t n, T* out, double from, double to) {
  const FloatEnvironment environment;
  const T low = static_cast<T>(from), high = static_cast<T>(to);
  const T parameters[] = {low, static_cast<T>(to - from), std::nextafter(high, low)};
  fill<T>(kernels().of<T>().random.uniform, start, n, out, parameters);
}

template <class T>
void draw_normal(RandomStart start, std::int64_t n, T* out, double mean, double deviation) {
  const FloatEnvironment environment;
  const T parameters[] = {static_cast<T>(mean), static_cast<T>(deviation)};
  fill<T>(kernels().of<T>().random.normal, start, n, out, parameters);
}

template <class T>
void draw_exponential(RandomStart start, std::int64_t n, T* out, double lambda) {
  const FloatEnvironment environment;
  const T parameters[] = {static_cast<T>(lambda)};
  fill<T>(kernels().of<T>().random.exponential, start, n, out, parameters);
}

template void draw_uniform<float>(RandomStart, std::int64_t, float*, double, double);
template void draw_uniform<double>(RandomStart, std::int64_t, double*, double, double);
template void draw_normal<float>(RandomStart, std::int64_t, float*, double, double);
template void draw_normal<double>(RandomStart, std::int64_t, double*, double, double);
template void draw_exponential<float>(RandomStart, std::int64_t, float*, double);
template void draw_exponential<double>(RandomStart, std::int64_t, double*, double);

void draw_coins(RandomStart start, std::int64_t n, bool* out, double p) {
  draw_coins_of(start, n, out, [p](std::int64_t) { return p; });
}
void draw_coins(RandomStart start, std::int64_t n, bool* out, const double* p) {
  draw_coins_of(start, n, out, [p, n](std::int64_t i) { return i >= 0 && i < n ? p[i] : 0; });
}

void draw_integers(RandomStart start, std::int64_t n, std::int64_t* out, std::int64_t low, std::uint64_t range) {
  LongWork work(4 * n);
  parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    IntegerStream stream(start.seed);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint64_t value = stream.below(range, start.position + static_cast<std::uint64_t>(i));
      out[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + value);
    }
  });
}

void draw_permutation(RandomStart start, std::int64_t n, std::int64_t* out) {
  LongWork work(8 * n);
  std::iota(out, out + n, std::int64_t{0});
  IntegerStream stream(start.seed);
  for (std::int64_t i = 0; i + 1 < n; ++i) {
    const std::uint64_t chosen = stream.below(static_cast<std::uint64_t>(n - i), start.position + static_cast<std::uint64_t>(i));
    std::swap(out[i], out[i + static_cast<std::int64_t>(chosen)]);
  }
}

void philox_block(std::uint64_t key, const std::uint32_t counter[4], std::uint32_t out[4]) {
  const std::uint64_t block = std::uint64_t{counter[1]} << 32 | counter[0];
  std::uint32_t group[kWordsPerGroup];
  kernels().random_words({key, static_cast<RandomKind>(counter[3])}, counter[2], block / kBlocksPerGroup, 1, group);
  for (int j = 0; j < 4; ++j) out[j] = group[j * kBlocksPerGroup + static_cast<int>(block % kBlocksPerGroup)];
}

}  // namespace gradgate
