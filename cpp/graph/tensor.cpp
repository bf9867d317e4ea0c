// Making tensors, and the promotion of their types.
#include "graph/tensor.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <new>

#include "graph/hooks.h"
#include "graph/node.h"
#include "graph/view_history.h"

namespace gradgate {
namespace {

std::atomic<DType> default_type{DType::float32};
// In a formula that this thread evaluates; DType::boolean outside of formulas.
thread_local DType formula_type = DType::boolean;

bool describes_contiguous(const Dims& shape, const Dims& strides) {
  std::int64_t step = 1;
  bool contiguous = true;
  for (int i = shape.size() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    contiguous = contiguous && (shape[i] == 1 || strides[i] == step);
    step *= shape[i];
  }
  return contiguous;
}

// Bodies are made and dropped with every gate: a free list saves the allocator's work.
struct BodyPool {
  union Slot {
    Slot* next;
    alignas(TensorBody) std::byte memory[sizeof(TensorBody)];
  };
  Slot* first = nullptr;
  int waiting = 0;
};
constexpr int kMaxWaitingBodies = 4096;

BodyPool& body_pool() {
  static BodyPool* const pool = new BodyPool;
  return *pool;
}

Ref<TensorBody> make_body() {
  BodyPool& pool = body_pool();
  if (!pool.first) return Ref<TensorBody>(new (new BodyPool::Slot) TensorBody);
  BodyPool::Slot* slot = pool.first;
  pool.first = slot->next;
  --pool.waiting;
  return Ref<TensorBody>(new (slot) TensorBody);
}

}  // namespace

GraphRecord::GraphRecord() = default;
GraphRecord::~GraphRecord() = default;

TensorBody::TensorBody() = default;

TensorBody::~TensorBody() {
  if (record && record->retained_in) record->retained_in->forget(this);
}

void TensorBody::destroy(TensorBody* body) {
  body->~TensorBody();
  auto* slot = reinterpret_cast<BodyPool::Slot*>(body);
  BodyPool& pool = body_pool();
  if (pool.waiting == kMaxWaitingBodies) {
    delete slot;
    return;
  }
  slot->next = pool.first;
  pool.first = slot;
  ++pool.waiting;
}

Tensor Tensor::empty(const Dims& shape, DType dtype) {
  std::int64_t bytes = item_size(dtype);
  for (std::int64_t size : shape) {
    if (size < 0) fail<RuntimeError>("negative size ", size, " in shape ", shape);
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(size, 1), &bytes))
      fail<RuntimeError>("a tensor of shape ", shape, " and type ", dtype, " is too large");
  }
  Ref<TensorBody> body = make_body();
  body->dtype = dtype;
  body->shape = shape;
  body->strides = contiguous_strides(shape);
  body->numel = shape.product();
  bytes = body->numel * item_size(dtype);
  try {
    body->storage = Storage::allocate(static_cast<std::size_t>(bytes));
  } catch (const std::bad_alloc&) {
    fail<MemoryError>("there is no memory for a tensor of shape ", shape, " and type ", dtype, ", ", bytes, " bytes");
  }
  body->data = body->storage->data;
  return Tensor(std::move(body));
}

Tensor Tensor::over(Ref<Storage> storage, std::byte* data, const Dims& shape, const Dims& strides, DType dtype) {
  Ref<TensorBody> body = make_body();
  body->dtype = dtype;
  body->shape = shape;
  body->strides = strides;
  body->numel = shape.product();
  body->contiguous = describes_contiguous(shape, strides);
  body->storage = std::move(storage);
  body->data = data;
  return Tensor(std::move(body));
}

Tensor::Tensor(double number) {
  *this = empty({}, DType::float64);
  *data<double>() = number;
  body_->number = true;
}

Tensor Tensor::alias(const Dims& shape, const Dims& strides, std::int64_t offset) const {
  Tensor t = over(storage(), bytes() + offset * item_size(dtype()), shape, strides, dtype());
  t.body_->number = body_->number && shape.empty();
  return t;
}

bool Tensor::requires_grad() const {
  refresh_view(*this);
  return body_->node || body_->requires_grad;
}
bool Tensor::is_leaf() const {
  refresh_view(*this);
  return !body_->node;
}

GraphRecord& record_of(const Tensor& t) {
  auto& record = t.body()->record;
  if (!record) record = std::make_unique<GraphRecord>();
  return *record;
}

Tensor gradient_of(const Tensor& t) { return t.body()->record ? t.body()->record->grad : Tensor(); }

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
