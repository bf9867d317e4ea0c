// Random elements of any number at any position of a stream, cut into groups and threads.
#pragma once

#include <cstdint>

#include "kernels/random_table.h"

namespace gradgate {

// Where a draw begins: element number `position` of each kind of the seed's streams.
struct RandomStart {
  std::uint64_t seed, position;
};

// n elements, uniform in [from, to); from <= to. A value that rounding takes to `to` becomes the largest below it.
template <class T>
void draw_uniform(RandomStart start, std::int64_t n, T* out, double from, double to);
template <class T>
void draw_normal(RandomStart start, std::int64_t n, T* out, double mean, double deviation);
// With density lambda exp(-lambda x).
template <class T>
void draw_exponential(RandomStart start, std::int64_t n, T* out, double lambda);

// True with the probability p, to the nearest 2^-32; or each with its own.
void draw_coins(RandomStart start, std::int64_t n, bool* out, double p);
void draw_coins(RandomStart start, std::int64_t n, bool* out, const double* p);

// Integers from low to low + range - 1, each equally likely; range 0 stands for 2^64.
void draw_integers(RandomStart start, std::int64_t n, std::int64_t* out, std::int64_t low, std::uint64_t range);
// The numbers 0 ... n - 1 in random order, by Fisher's and Yates's method, from n integer elements.
void draw_permutation(RandomStart start, std::int64_t n, std::int64_t* out);

// Philox4x32-10 itself: the block of a 64-bit key and a counter of four words, low word first.
void philox_block(std::uint64_t key, const std::uint32_t counter[4], std::uint32_t out[4]);

}  // namespace gradgate
