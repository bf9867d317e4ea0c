// Making tensors and their bodies.
#include "graph/engine/tensor.h"

#include <new>
#include <utility>

namespace gradgate {
namespace {

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

TensorBody::TensorBody() = default;
TensorBody::~TensorBody() = default;

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
  Ref<TensorBody> body = make_body();
  body->allocate(shape, dtype);
  return Tensor(std::move(body));
}

Tensor Tensor::over(Ref<Storage> storage, std::byte* data, const Dims& shape, const Dims& strides, DType dtype) {
  Ref<TensorBody> body = make_body();
  body->show(std::move(storage), data, shape, strides, dtype);
  return Tensor(std::move(body));
}

Tensor::Tensor(const Array& array) : body_(make_body()) { body_->assign(array); }

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

GraphRecord& record_of(const Tensor& t) {
  Ref<GraphRecord>& record = t.body()->record;
  if (!record) record = Ref<GraphRecord>(new GraphRecord);
  return *record;
}

Tensor gradient_of(const Tensor& t) { return t.body()->record ? t.body()->record->grad : Tensor(); }

}  // namespace gradgate
