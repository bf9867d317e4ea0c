// The loops that count.
#include "array/counting.h"

#include <algorithm>
#include <cstring>

#include "array/copy.h"
#include "base/float_environment.h"

namespace gradgate {
namespace {

Array zeros_of(const Dims& shape, DType dtype) {
  Array out = Array::empty(shape, dtype);
  std::memset(out.bytes(), 0, static_cast<std::size_t>(out.numel() * item_size(dtype)));
  return out;
}

bool is_index(DType dtype) { return dtype == DType::int64 || dtype == DType::int32; }

}  // namespace

Array count_occurrences(const Array& x, const std::optional<Array>& weights, std::int64_t minlength) {
  if (x.ndim() != 1 || kind(x.dtype()) != Kind::integer)
    fail<RuntimeError>("bincount: only 1-d tensors of non-negative integers, got shape ", x.shape(), " of ", x.dtype());
  if (minlength < 0) fail<RuntimeError>("bincount: minlength must not be negative, got ", minlength);
  if (weights && !(weights->shape() == x.shape()))
    fail<RuntimeError>("bincount: weights must have the input's shape ", x.shape(), ", got ", weights->shape());
  const Array bins = packed(converted(x, DType::int64));
  const auto* const bin = bins.data<std::int64_t>();
  std::int64_t length = minlength;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (bin[i] < 0) fail<RuntimeError>("bincount: only non-negative integers, got ", bin[i]);
    length = std::max(length, size_sum("bincount", bin[i], 1));
  }
  if (!weights) {
    const Array out = zeros_of({length}, DType::int64);
    for (std::int64_t i = 0; i < x.numel(); ++i) ++out.data<std::int64_t>()[bin[i]];
    return out;
  }
  const DType dtype = weights->dtype() == DType::float32 ? DType::float32 : DType::float64;
  const Array out = zeros_of({length}, dtype), added = packed(converted(*weights, dtype));
  FloatEnvironment environment;
  visit_floating("bincount", dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < x.numel(); ++i) out.data<T>()[bin[i]] += added.data<T>()[i];
  });
  return out;
}

Array one_hot_rows(const Array& index, std::int64_t classes) {
  if (!is_index(index.dtype()))
    fail<RuntimeError>("one_hot: expected class values of int64 or int32, got ", index.dtype(), "; convert them with .long()");
  if (index.numel() == 0 && classes <= 0) fail<RuntimeError>("one_hot: can not infer total number of classes from an empty tensor");
  const Array values = packed(converted(index, DType::int64));
  const std::int64_t* const first = values.data<std::int64_t>();
  const auto [low, high] = std::minmax_element(first, first + values.numel());
  if (values.numel() > 0 && *low < 0) fail<RuntimeError>("one_hot: class values must be non-negative, got ", *low);
  const std::int64_t count = classes == -1 ? size_sum("one_hot", *high, 1) : classes;
  if (values.numel() > 0 && *high >= count)
    fail<RuntimeError>("one_hot: class values must be smaller than num_classes (", count, "), got ", *high);
  Dims shape = index.shape();
  shape.push_back(count);
  const Array out = zeros_of(shape, DType::int64);
  for (std::int64_t i = 0; i < values.numel(); ++i) out.data<std::int64_t>()[i * count + first[i]] = 1;
  return out;
}

Array repeated_positions(const Array& repeats, std::int64_t count, std::optional<std::int64_t> total) {
  constexpr const char* kName = "repeat_interleave";
  if (!is_index(repeats.dtype())) fail<RuntimeError>(kName, ": repeats must be int64 or int32, got ", repeats.dtype());
  if (repeats.ndim() > 1) fail<RuntimeError>(kName, ": repeats must be 0-dim or 1-dim, got shape ", repeats.shape());
  if (repeats.numel() != 1 && repeats.numel() != count)
    fail<RuntimeError>(kName, ": repeats must have the size of the input along dim, ", count, ", got shape ", repeats.shape());
  const Array numbers = packed(converted(repeats, DType::int64));
  const auto times = [&](std::int64_t i) { return numbers.data<std::int64_t>()[numbers.numel() == 1 ? 0 : i]; };
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < numbers.numel(); ++i) {
    if (times(i) < 0) fail<RuntimeError>(kName, ": repeats must not be negative, got ", times(i));
    sum = size_sum(kName, sum, times(i));
  }
  if (numbers.numel() == 1) sum = size_product(kName, sum, count);
  if (total && *total != sum) fail<RuntimeError>(kName, ": the repeats add up to ", sum, " and output_size is ", *total);
  const Array out = Array::empty({sum}, DType::int64);
  std::int64_t* to = out.data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) to = std::fill_n(to, times(i), i);
  return out;
}

}  // namespace gradgate
