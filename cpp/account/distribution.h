// How the elements of a tensor are spread, in a few microseconds.
#pragma once

#include <array>

#include "graph/engine/tensor.h"

namespace gradgate {

inline constexpr std::array<double, 5> kQuantiles = {0.05, 0.25, 0.5, 0.75, 0.95};

struct Distribution {
  double mean, deviation, size;  // size: the root mean square
};

// At most `count` elements, evenly spread over the memory of a tensor, as a copy of one dimension; all of a small tensor.
Tensor spread_out(const Tensor& t, std::int64_t count);

// NaN throughout for an empty tensor. Throws RuntimeError for another type than a floating-point one.
Distribution distribution(const Tensor& t);
// The quantiles of some of its elements, NaN the largest of them; the type is a floating-point one.
std::array<double, kQuantiles.size()> quantiles(const Tensor& t);

// Counts in `silent`, for each element of the last dimension, the examples since it was last another number than 0, those of t included;
// returns the share of them with at least `limit`. Throws RuntimeError unless silent holds an int64 for each.
double count_silent(const Tensor& t, const Tensor& silent, std::int64_t limit);

// The Euclidean norm, also of numbers whose squares under- or overflow.
double safe_norm(const Tensor& t);

}  // namespace gradgate
