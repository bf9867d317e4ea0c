// Sorting and selecting within the rows of an array. NaN counts as larger than every number, and equal elements keep their order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/row_pieces.h"

namespace gradgate {

template <class T>
struct Ranked {
  T value;
  std::int64_t index;
};

template <class T>
bool is_less(T a, T b) {
  return a < b || (b != b && a == a);
}

// An order without ties, so that any way of sorting gives the one result.
template <class T>
struct Ascending {
  bool operator()(const Ranked<T>& a, const Ranked<T>& b) const {
    return is_less(a.value, b.value) || (!is_less(b.value, a.value) && a.index < b.index);
  }
};
template <class T>
struct Descending {
  bool operator()(const Ranked<T>& a, const Ranked<T>& b) const {
    return is_less(b.value, a.value) || (!is_less(a.value, b.value) && a.index < b.index);
  }
};

// Calls f(row, elements) for each row with its elements, which f may reorder.
template <class T, class F>
void each_ranked_row(std::int64_t rows, std::int64_t n, const T* x, const F& f) {
  each_row_piece(rows, n, [&](std::int64_t first, std::int64_t count) {
    std::vector<Ranked<T>> elements(static_cast<std::size_t>(n));
    for (std::int64_t row = first; row < first + count; ++row) {
      for (std::int64_t i = 0; i < n; ++i) elements[static_cast<std::size_t>(i)] = {x[row * n + i], i};
      f(row, elements);
    }
  });
}

// The first k of each row's n elements in the order `before`, sorted, with their places in the row.
template <class T, class Before>
void sort_rows(std::int64_t rows, std::int64_t n, std::int64_t k, const Before& before, const T* x, T* values, std::int64_t* indices) {
  each_ranked_row(rows, n, x, [=](std::int64_t row, std::vector<Ranked<T>>& elements) {
    if (k < n) std::nth_element(elements.begin(), elements.begin() + k, elements.end(), before);
    std::sort(elements.begin(), elements.begin() + k, before);
    for (std::int64_t i = 0; i < k; ++i) {
      values[row * k + i] = elements[static_cast<std::size_t>(i)].value;
      indices[row * k + i] = elements[static_cast<std::size_t>(i)].index;
    }
  });
}

// The lower median of each row of n > 0 elements, or its first NaN, and its place.
template <class T>
void median_rows(std::int64_t rows, std::int64_t n, const T* x, T* values, std::int64_t* indices) {
  each_ranked_row(rows, n, x, [=](std::int64_t row, std::vector<Ranked<T>>& elements) {
    auto found = std::find_if(elements.begin(), elements.end(), [](const Ranked<T>& e) { return e.value != e.value; });
    if (found == elements.end()) {
      found = elements.begin() + (n - 1) / 2;
      std::nth_element(elements.begin(), found, elements.end(), Ascending<T>());
    }
    values[row] = found->value;
    indices[row] = found->index;
  });
}

}  // namespace gradgate
