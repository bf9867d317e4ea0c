// Counting by integers: how often they occur, one-hot rows, repetitions.
#pragma once

#include <optional>

#include "array/array.h"

namespace gradgate {

// How often each integer from 0 on occurs in the 1-d x, or the sums of the weights of its occurrences; at least `minlength` of them.
// Throws RuntimeError for other shapes and types and for negative values.
Array count_occurrences(const Array& x, const std::optional<Array>& weights, std::int64_t minlength);

// int64 of shape (*index's shape, classes): 1 at the class, 0 elsewhere. classes -1 stands for the largest index plus one. Throws
// RuntimeError for other types and for classes out of range.
Array one_hot_rows(const Array& index, std::int64_t classes);

// 0 ... count - 1, each as often as `repeats` says (int64 or int32): one number for all, or one for each. Throws RuntimeError for others,
// for negative ones, and for a sum other than `total`, where it is known.
Array repeated_positions(const Array& repeats, std::int64_t count, std::optional<std::int64_t> total);

}  // namespace gradgate
