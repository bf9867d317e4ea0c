// The kernels of random numbers of one instruction set, and the layout of the streams that they generate.
//
// The generator is Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011). Its key is the
// seed; its counter holds the number of a block (64 bits), an attempt and the kind of numbers, so that the kinds never share words.
// 16 blocks are a group: word j of the group's block l is the group's word 16 j + l. A 32-bit element is one word, a 64-bit one is
// made of words 32 j + l and 32 j + 16 + l. Element number p of a kind is in group p / 64 or p / 32: an element is a function of the
// seed, the kind and its position alone.
#pragma once

#include <cstdint>

namespace gradgate {

inline constexpr int kBlocksPerGroup = 16;
inline constexpr int kWordsPerGroup = 64;

// What elements are made of: tells the streams of one seed apart.
enum class RandomKind : std::uint32_t {
  uniform32,      // float32: the upper 24 bits of the word
  uniform64,      // float64: the upper 53 bits, the first word above the second
  normal32,       // two float32 elements, 16 apart, by Box and Muller's method: the first word gives the radius, the second the angle
  normal64,       // two float64 elements, 16 apart, the same way
  exponential32,  // float32: minus the logarithm of the word
  exponential64,  // float64: the same of the upper 53 bits
  coin,           // the word is compared with the probability
  integer,        // the 64-bit product of element and range, after Lemire; a rejected element is drawn anew in the next attempt
};

struct RandomStream {
  std::uint64_t seed;
  RandomKind kind;
};

// The words of `groups` groups, from first_group.
using RandomWords = void (*)(RandomStream stream, std::uint32_t attempt, std::uint64_t first_group, std::int64_t groups,
                             std::uint32_t* out);

template <class T>
struct RandomTable {
  static constexpr int kElementsPerGroup = kWordsPerGroup * 4 / static_cast<int>(sizeof(T));

  // All elements of `groups` groups.
  using Fill = void (*)(std::uint64_t seed, std::uint64_t first_group, std::int64_t groups, T* out, const T* parameters);

  Fill uniform;      // [from, to); parameters from, to - from, the largest number below to
  Fill normal;       // parameters mean, standard deviation
  Fill exponential;  // parameter lambda
};

}  // namespace gradgate
