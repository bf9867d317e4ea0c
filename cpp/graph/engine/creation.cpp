// Filling new tensors.
#include "graph/engine/creation.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "array/copy.h"

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

Tensor full(const Dims& shape, const Tensor& value, DType dtype) {
  if (value.ndim() > 0) fail<RuntimeError>("full: fill_value must be a number or a 0-d tensor, got shape ", value.shape());
  if (value.is_number()) check_fits("full", value, dtype);
  Tensor out = Tensor::empty(shape, dtype);
  copy_elements(out, value);
  return out;
}

Tensor zeros(const Dims& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  std::memset(out.bytes(), 0, static_cast<std::size_t>(out.numel() * item_size(dtype)));
  return out;
}

Tensor ones(const Dims& shape, DType dtype) { return full(shape, 1, dtype); }

Tensor arange(std::int64_t start, std::int64_t end, std::int64_t step, DType dtype) {
  if (step == 0) fail<RuntimeError>("arange: step must be nonzero");
  if (start != end && (step > 0) != (end > start))
    fail<RuntimeError>("arange: upper bound and lower bound inconsistent with step sign: start ", start, ", end ", end, ", step ", step);
  const std::uint64_t distance = step > 0 ? static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(start)
                                          : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(end);
  const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : -static_cast<std::uint64_t>(step);
  const auto count = static_cast<std::int64_t>(distance / stride + (distance % stride != 0));
  Tensor out = Tensor::empty({count}, DType::int64);
  auto* p = out.data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) p[i] = start + i * step;
  return Tensor(converted(out, dtype));
}

Tensor arange(double start, double end, double step, DType dtype) {
  if (step == 0) fail<RuntimeError>("arange: step must be nonzero");
  const double count = std::ceil((end - start) / step);
  if (!(std::abs(count) < 0x1p53))
    fail<RuntimeError>("arange: unsupported range: start ", start, ", end ", end, ", step ", step, " are not finite or too far apart");
  if (count < 0)
    fail<RuntimeError>("arange: upper bound and lower bound inconsistent with step sign: start ", start, ", end ", end, ", step ", step);
  Tensor out = Tensor::empty({static_cast<std::int64_t>(count)}, DType::float64);
  auto* p = out.data<double>();
  for (std::int64_t i = 0; i < out.numel(); ++i) p[i] = start + static_cast<double>(i) * step;
  return Tensor(converted(out, dtype));
}

Tensor linspace(double start, double end, std::int64_t steps, DType dtype) {
  if (steps < 0) fail<RuntimeError>("linspace: number of steps must be non-negative, got ", steps);
  Tensor out = Tensor::empty({steps}, DType::float64);
  auto* p = out.data<double>();
  const double step = steps > 1 ? (end - start) / static_cast<double>(steps - 1) : 0;
  for (std::int64_t i = 0; i < steps; ++i)
    p[i] = steps == 1 || i < steps / 2 ? start + step * static_cast<double>(i) : end - step * static_cast<double>(steps - 1 - i);
  return Tensor(converted(out, dtype));
}

Tensor eye(std::int64_t rows, std::int64_t columns, DType dtype) {
  if (rows < 0 || columns < 0) fail<RuntimeError>("eye: sizes must be greater or equal to 0, got ", rows, " and ", columns);
  Tensor out = zeros({rows, columns}, dtype);
  copy_elements(out.alias({std::min(rows, columns)}, {columns + 1}), number(std::int64_t{1}));
  return out;
}

Tensor number(double value) { return make_number(value); }
Tensor number(std::int64_t value) { return make_number(value); }
Tensor number(bool value) { return make_number(value); }

}  // namespace gradgate
