// Scores of classes, of shape (N, C, d1, ...) or (C,), and class indices of shape (N, d1, ...) or ().
#pragma once

#include "graph/engine/gate.h"

namespace gradgate {

int class_dim(const Dims& shape);
// The scores' shape with one class, to which values of rows broadcast.
Dims rows_of(const Dims& shape);
// A plan of the scores' shape whose memory has the classes last, as the kernels want it.
Planned with_classes_last(const Dims& shape, DType dtype);

// Each row's score of its class, of the shape of the classes. Throws IndexError for a class outside 0 ... C - 1.
Tensor scores_at(const Tensor& scores, const Tensor& classes);

// Of the scores' shape: 1 at each row's class (int64; none where it is -1), 0 elsewhere. A trace reads the classes from `target`.
Tensor onehot(const Array& classes, const Tensor& target, const Dims& shape, DType dtype);

}  // namespace gradgate
