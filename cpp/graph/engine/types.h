// The default type, and the type in which operands of several types meet.
#pragma once

#include "graph/engine/tensor.h"

namespace gradgate {

// The floating-point type that numbers and integers take when nothing else decides; float32 unless set.
DType default_dtype();
// For all threads. Throws TypeError unless it is a floating-point type.
void set_default_dtype(DType dtype);

// While it lives, the numbers of a formula that this thread evaluates take this type instead of the default: the gate's own.
class FormulaType {
 public:
  explicit FormulaType(DType dtype);
  ~FormulaType();
  FormulaType(const FormulaType&) = delete;
  FormulaType& operator=(const FormulaType&) = delete;

 private:
  DType before_;
};

// The type in which an operation on these tensors computes: tensors with dimensions decide over 0-d ones, and those
// over numbers, unless the lesser are of a higher kind (bool < integer < floating).
DType result_type(const Tensor* tensors, int count);
inline DType result_type(const Tensor& a, const Tensor& b) {
  const Tensor both[] = {a, b};
  return result_type(both, 2);
}

}  // namespace gradgate
