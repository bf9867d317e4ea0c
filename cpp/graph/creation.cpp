// Filling new tensors.
#include "graph/creation.h"

#include <algorithm>
#include <cstring>

#include "graph/copy.h"

namespace gradgate {
namespace {

template <class T>
Tensor make_number(T value) {
  Tensor t = Tensor::empty({}, DTypeOf<T>::value);
  *t.data<T>() = value;
  t.body()->number = true;
  return t;
}

}  // namespace

Tensor full(const Dims& shape, double value, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  copy_elements(out, number(value));
  return out;
}

Tensor zeros(const Dims& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  std::memset(out.bytes(), 0, static_cast<std::size_t>(out.numel() * item_size(dtype)));
  return out;
}

Tensor ones(const Dims& shape, DType dtype) { return full(shape, 1, dtype); }

Tensor number(double value) { return make_number(value); }
Tensor number(std::int64_t value) { return make_number(value); }
Tensor number(bool value) { return make_number(value); }

}  // namespace gradgate
