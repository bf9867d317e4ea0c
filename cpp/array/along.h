// One position along a dimension for each element: read there, written, added.
#pragma once

#include "array/array.h"

namespace gradgate {

// In all of these `index` (int64) has as many dimensions as the large array, at least one, and elsewhere than at `dim` at most its sizes.
// Its element at i points to the large array's at i, but at index[i] along `dim`; positions below 0 count from the end, and all are in
// range. The small array broadcasts to index's shape, and no two arrays overlap.

// small = the elements of `large`; small is of index's shape.
void take_along(const Array& large, int dim, const Array& index, const Array& small);
// The elements of `large` = small's, in row-major order, so that of several for one element the last stays.
void put_along(const Array& large, int dim, const Array& index, const Array& small);
// The elements of `large` += small's by sum_of, in that order whatever the number of threads.
void add_along(const Array& large, int dim, const Array& index, const Array& small);

}  // namespace gradgate
