// Philox, and the uniform, normal and exponential numbers made of its words as random_table.h says.
#include "kernels/isa/tables.h"
#include "kernels/random_table.h"
#include "simd/math.h"

namespace gradgate::GRADGATE_ISA {
namespace {

constexpr int kLanes = kBlocksPerGroup;

struct Group {
  alignas(64) std::uint32_t word[4][kLanes];
};

// Integer arithmetic of independent lanes, which the compiler vectorises for any register.
inline Group philox_group(RandomStream stream, std::uint32_t attempt, std::uint64_t group) {
  Group out;
  const auto first = static_cast<std::uint32_t>(group * kLanes), high = static_cast<std::uint32_t>(group * kLanes >> 32);
  for (int lane = 0; lane < kLanes; ++lane) {
    std::uint32_t c0 = first + static_cast<std::uint32_t>(lane), c1 = high, c2 = attempt, c3 = static_cast<std::uint32_t>(stream.kind);
    auto k0 = static_cast<std::uint32_t>(stream.seed), k1 = static_cast<std::uint32_t>(stream.seed >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0, p1 = std::uint64_t{0xCD9E8D57} * c2;
      c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c1 = static_cast<std::uint32_t>(p1);
      c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c3 = static_cast<std::uint32_t>(p0);
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    out.word[0][lane] = c0;
    out.word[1][lane] = c1;
    out.word[2][lane] = c2;
    out.word[3][lane] = c3;
  }
  return out;
}

void words(RandomStream stream, std::uint32_t attempt, std::uint64_t first_group, std::int64_t groups, std::uint32_t* out) {
  for (std::int64_t g = 0; g < groups; ++g) {
    const Group group = philox_group(stream, attempt, first_group + static_cast<std::uint64_t>(g));
    __builtin_memcpy(out + g * kWordsPerGroup, group.word, sizeof group.word);
  }
}

template <class T>
constexpr RandomKind kind_for(RandomKind single, RandomKind twice) {
  return sizeof(T) == 4 ? single : twice;
}

// One integer for each block of a group, as wide as T.
template <class T>
struct Row {
  using Lane = typename Bits<T>::Lane;
  alignas(64) Lane lane[kLanes];

  template <class F>
  explicit Row(F integer_of) {
    for (int l = 0; l < kLanes; ++l) lane[l] = static_cast<Lane>(integer_of(l));
  }
  Bits<T> bits(int l) const {
    Bits<T> b;
    __builtin_memcpy(&b.r, lane + l, sizeof b.r);
    return b;
  }
  Vec<T> numbers(int l) const { return Vec<T>::from_integers(bits(l)); }
};

// The k-th element of every block as upper and lower bits, whose conversions are exact: 16 and 16 for float, 32 and 21 for double.
template <class T>
struct Elements {
  static constexpr int rows = RandomTable<T>::kElementsPerGroup / kLanes;
  static constexpr bool single = sizeof(T) == 4;
  Row<T> upper, lower;

  Elements(const Group& group, int k)
      : upper([&](int l) { return single ? group.word[k][l] >> 16 : group.word[2 * k][l]; }),
        lower([&](int l) { return single ? group.word[k][l] & 0xFFFF : group.word[2 * k + 1][l] >> 11; }) {}

  // In [0, 1), 24 or 53 bits.
  Vec<T> fraction(int l) const {
    if constexpr (single)
      return fma(upper.numbers(l), Vec<T>(0x1p-16), Vec<T>::from_integers(lower.bits(l) >> 8) * Vec<T>(0x1p-24));
    else
      return fma(upper.numbers(l), Vec<T>(0x1p-32), lower.numbers(l) * Vec<T>(0x1p-53));
  }
  // In (0, 1], rounded from 32 bits for float, so that a normal number's radius reaches 6.8; 53 bits for double.
  Vec<T> above_zero(int l) const {
    if constexpr (single)
      return fma(upper.numbers(l), Vec<T>(0x1p-16), (lower.numbers(l) + Vec<T>(0.5)) * Vec<T>(0x1p-32));
    else
      return fma(upper.numbers(l), Vec<T>(0x1p-32), (lower.numbers(l) + Vec<T>(1)) * Vec<T>(0x1p-53));
  }
};

// The k-th element of every block as an angle: the nearest quarter turn, and the rest in units of 2^-22 (float) or 2^-52 quarters.
template <class T>
struct Angles {
  static constexpr bool single = sizeof(T) == 4;
  static constexpr int rest_bits = single ? 22 : 52;
  Row<T> quarter, rest;

  Angles(const Group& group, int k)
      : quarter([&](int l) { return nearest_quarter(turn(group, k, l)); }),
        rest([&](int l) { return turn(group, k, l) - (nearest_quarter(turn(group, k, l)) << rest_bits); }) {}

  // Half a unit is added, so that the angles lie evenly about the axes.
  Angle<T> angle(int l) const {
    constexpr T unit = single ? T(0x1.921fb6p-22) : T(0x1.921fb54442d18p-52);
    return {quarter.bits(l), (rest.numbers(l) + Vec<T>(0.5)) * Vec<T>(unit), Vec<T>(0)};
  }

 private:
  static std::uint64_t turn(const Group& group, int k, int l) {
    if (single) return group.word[k][l] >> 8;
    return (std::uint64_t{group.word[2 * k][l]} << 22) | (group.word[2 * k + 1][l] >> 10);
  }
  static std::uint64_t nearest_quarter(std::uint64_t turn) { return (turn + (std::uint64_t{1} << (rest_bits - 1))) >> rest_bits; }
};

template <class T>
void uniform(std::uint64_t seed, std::uint64_t first_group, std::int64_t groups, T* out, const T* parameters) {
  using V = Vec<T>;
  const V from(parameters[0]), range(parameters[1]), last(parameters[2]);
  for (std::int64_t g = 0; g < groups; ++g) {
    const Group group = philox_group({seed, kind_for<T>(RandomKind::uniform32, RandomKind::uniform64)}, 0,
                                     first_group + static_cast<std::uint64_t>(g));
    for (int k = 0; k < Elements<T>::rows; ++k, out += kLanes) {
      const Elements<T> elements(group, k);
      for (int l = 0; l < kLanes; l += V::lanes) {
        const V y = fma(elements.fraction(l), range, from);
        select(y < last, y, last).store(out + l);
      }
    }
  }
}

template <class T>
void exponential(std::uint64_t seed, std::uint64_t first_group, std::int64_t groups, T* out, const T* parameters) {
  using V = Vec<T>;
  const V lambda(parameters[0]);
  for (std::int64_t g = 0; g < groups; ++g) {
    const Group group = philox_group({seed, kind_for<T>(RandomKind::exponential32, RandomKind::exponential64)}, 0,
                                     first_group + static_cast<std::uint64_t>(g));
    for (int k = 0; k < Elements<T>::rows; ++k, out += kLanes) {
      const Elements<T> elements(group, k);
      for (int l = 0; l < kLanes; l += V::lanes) (log(elements.above_zero(l)) / -lambda).store(out + l);
    }
  }
}

// Box and Muller (1958): a radius sqrt(-2 log u) and a uniform angle make two independent normal numbers.
template <class T>
void normal(std::uint64_t seed, std::uint64_t first_group, std::int64_t groups, T* out, const T* parameters) {
  using V = Vec<T>;
  using Lane = typename Bits<T>::Lane;
  const V mean(parameters[0]), deviation(parameters[1]);
  for (std::int64_t g = 0; g < groups; ++g) {
    const Group group = philox_group({seed, kind_for<T>(RandomKind::normal32, RandomKind::normal64)}, 0,
                                     first_group + static_cast<std::uint64_t>(g));
    for (int k = 0; k < Elements<T>::rows; k += 2, out += 2 * kLanes) {
      const Elements<T> elements(group, k);
      const Angles<T> angles(group, k + 1);
      for (int l = 0; l < kLanes; l += V::lanes) {
        const V radius = sqrt(V(-2) * log(elements.above_zero(l)));
        const Angle<T> angle = angles.angle(l);
        Angle<T> ahead = angle;
        ahead.quadrant = angle.quadrant + Bits<T>(Lane{1});
        fma(radius * sin_of_angle(ahead, Bits<T>(Lane{0})), deviation, mean).store(out + l);
        fma(radius * sin_of_angle(angle, Bits<T>(Lane{0})), deviation, mean).store(out + l + kLanes);
      }
    }
  }
}

template <class T>
void fill(RandomTable<T>& table) {
  table.uniform = uniform<T>;
  table.normal = normal<T>;
  table.exponential = exponential<T>;
}

}  // namespace

void fill_random(RandomWords& table, RandomTable<float>& f32, RandomTable<double>& f64) {
  table = words;
  fill(f32);
  fill(f64);
}

}  // namespace gradgate::GRADGATE_ISA
