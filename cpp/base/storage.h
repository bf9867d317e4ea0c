// Storage: a 64-byte aligned block of memory, shared by the tensors that view it, with its version.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/ref.h"

namespace gradgate {

struct Storage {
  std::int32_t refs = 0;
  std::uint32_t version = 0;  // counts in-place changes, so that a saved value can tell that it was overwritten
  std::size_t bytes = 0;
  std::byte* data = nullptr;

  // Memory from the pool, not initialised. Throws std::bad_alloc.
  static Ref<Storage> allocate(std::size_t bytes);
  // Memory that belongs to someone else; `release(owner)` is called when the last tensor lets go.
  static Ref<Storage> adopt(void* data, std::size_t bytes, void* owner, void (*release)(void* owner));

  // The memory of another storage under a version of its own: what is written through one does not count as a change of the other.
  static Ref<Storage> share(const Ref<Storage>& other);

  // Whether nobody else can have this memory.
  bool owns_memory() const { return owner == nullptr; }

  static void destroy(Storage* storage);

 private:
  friend struct StoragePool;
  int bucket = -1;  // the pool's free list that the block belongs to
  void* owner = nullptr;
  void (*release)(void*) = nullptr;
};

// Gives the pool's unused blocks back to the system.
void empty_cache();

// Bytes in blocks that are in use, and in blocks that wait in the pool.
struct MemoryStatistics {
  std::size_t in_use, cached;
};
MemoryStatistics memory_statistics();

}  // namespace gradgate
