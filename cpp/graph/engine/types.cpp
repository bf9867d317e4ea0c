// Promotion of types.
#include "graph/engine/types.h"

#include <atomic>
#include <utility>

namespace gradgate {
namespace {

std::atomic<DType> default_type{DType::float32};
// In a formula that this thread evaluates; DType::boolean outside of formulas.
thread_local DType formula_type = DType::boolean;

}  // namespace

DType default_dtype() { return formula_type == DType::boolean ? default_type.load() : formula_type; }

void set_default_dtype(DType dtype) {
  if (!is_floating(dtype)) fail<TypeError>("set_default_dtype: only floating-point types can be the default, got ", dtype);
  default_type = dtype;
}

FormulaType::FormulaType(DType dtype) : before_(std::exchange(formula_type, dtype)) {}
FormulaType::~FormulaType() { formula_type = before_; }

DType result_type(const Tensor* tensors, int count) {
  struct Group {
    bool present = false;
    DType type = DType::boolean;
    void add(DType t) {
      type = present ? promote(type, t) : t;
      present = true;
    }
    // What comes lower decides only when it is of a higher kind.
    void take_lower(const Group& lower) {
      if (lower.present && (!present || kind(lower.type) > kind(type))) add(lower.type);
    }
  };
  Group with_dims, zero_dim, numbers;
  for (int i = 0; i < count; ++i) {
    const Tensor& t = tensors[i];
    if (t.is_number())
      numbers.add(is_floating(t.dtype()) ? default_dtype() : t.dtype());
    else
      (t.ndim() ? with_dims : zero_dim).add(t.dtype());
  }
  zero_dim.take_lower(numbers);
  with_dims.take_lower(zero_dim);
  return with_dims.type;
}

}  // namespace gradgate
