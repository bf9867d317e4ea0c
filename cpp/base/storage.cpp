// The pool that storages come from: free lists of blocks by size.
//
// Fresh pages cost a page fault each, which dominates the time of medium tensors; a training loop asks for the
// same sizes in every step, so a block is kept for the next request of its size.
#include "base/storage.h"

#include <bit>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gradgate {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHeader = 64;  // the Storage itself lies in front of its data
static_assert(sizeof(Storage) <= kHeader);

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kMaxCached = std::size_t{256} << 20;  // bytes that wait in the pool at most
constexpr int kStepsPerDoubling = 4;                        // so that a block is at most a quarter too large
constexpr int kBuckets = 64 * kStepsPerDoubling;         // for every size that there is

struct SizeClass {
  int bucket;
  std::size_t bytes;
};

// Sizes 64 * {4, 5, 6, 7} / 4 * 2^i: the smallest that holds `bytes`.
SizeClass size_class(std::size_t bytes) {
  const std::size_t units = (bytes + 15) / 16;  // quarters of 64 bytes
  if (units <= 4) return {0, 64};
  const int exponent = std::bit_width(units - 1) - 3;  // 5..8 -> 0, 9..16 -> 1
  const std::size_t step = std::size_t{1} << exponent;
  const std::size_t quarters = (units + step - 1) / step;  // 5..8
  return {exponent * kStepsPerDoubling + static_cast<int>(quarters) - 4, quarters * step * 16};
}

std::byte* allocate_block(std::size_t bytes) {
  const std::size_t alignment = bytes >= kHugePage ? kHugePage : kAlignment;
  auto* p = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{alignment}));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= kHugePage) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

void free_block(void* p, std::size_t bytes) {
  ::operator delete(p, std::align_val_t{bytes >= kHugePage ? kHugePage : kAlignment});
}

}  // namespace

struct StoragePool {
  // A waiting block's first word links it to the next.
  struct Waiting {
    Waiting* next;
  };
  Waiting* waiting[kBuckets] = {};
  MemoryStatistics statistics{0, 0};

  static std::size_t block_bytes(int bucket) {
    if (bucket == 0) return kHeader + 64;
    const int exponent = (bucket - 1) / kStepsPerDoubling, quarters = (bucket - 1) % kStepsPerDoubling + 5;
    return kHeader + (std::size_t(quarters) << exponent) * 16;
  }

  Storage* take(std::size_t bytes) {
    const SizeClass size = size_class(bytes);
    const std::size_t block = kHeader + size.bytes;
    std::byte* p;
    if (Waiting* first = waiting[size.bucket]) {
      waiting[size.bucket] = first->next;
      statistics.cached -= block;
      p = reinterpret_cast<std::byte*>(first);
    } else {
      p = allocate_block(block);
    }
    statistics.in_use += block;
    auto* storage = new (p) Storage;
    storage->bytes = bytes;
    storage->data = p + kHeader;
    storage->bucket = size.bucket;
    return storage;
  }

  void give_back(Storage* storage) {
    if (storage->bucket < 0) {
      if (storage->release) storage->release(storage->owner);
      delete storage;
      return;
    }
    const int bucket = storage->bucket;
    const std::size_t block = block_bytes(bucket);
    storage->~Storage();
    statistics.in_use -= block;
    if (statistics.cached + block > kMaxCached) {
      free_block(storage, block);
      return;
    }
    waiting[bucket] = new (static_cast<void*>(storage)) Waiting{waiting[bucket]};
    statistics.cached += block;
  }

  static Storage* adopt(void* data, std::size_t bytes, void* owner, void (*release)(void*)) {
    auto* storage = new Storage;
    storage->data = static_cast<std::byte*>(data);
    storage->bytes = bytes;
    storage->owner = owner;
    storage->release = release;
    return storage;
  }

  void clear() {
    for (int bucket = 0; bucket < kBuckets; ++bucket)
      while (Waiting* first = waiting[bucket]) {
        waiting[bucket] = first->next;
        statistics.cached -= block_bytes(bucket);
        free_block(first, block_bytes(bucket));
      }
  }
};

namespace {
// Never destroyed: tensors held by static objects may outlive any order of destruction.
StoragePool& pool() {
  static StoragePool* const instance = new StoragePool;
  return *instance;
}
}  // namespace

Ref<Storage> Storage::allocate(std::size_t bytes) { return Ref<Storage>(pool().take(bytes)); }

Ref<Storage> Storage::adopt(void* data, std::size_t bytes, void* owner, void (*release)(void*)) {
  return Ref<Storage>(StoragePool::adopt(data, bytes, owner, release));
}

Ref<Storage> Storage::share(const Ref<Storage>& other) {
  auto* const owner = new Ref<Storage>(other);
  return adopt(other->data, other->bytes, owner, [](void* held) { delete static_cast<Ref<Storage>*>(held); });
}

void Storage::destroy(Storage* storage) { pool().give_back(storage); }

void empty_cache() { pool().clear(); }

MemoryStatistics memory_statistics() { return pool().statistics; }

}  // namespace gradgate
