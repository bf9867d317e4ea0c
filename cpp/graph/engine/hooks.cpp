// Keeping hooks on gradients.
#include "graph/engine/hooks.h"

namespace gradgate {

std::uint64_t HookList::add(std::uint32_t output, GradientHook hook) {
  static std::uint64_t last_key = 0;
  entries_.push_back({++last_key, output, std::move(hook)});
  return last_key;
}

void HookList::remove(std::uint64_t key) {
  // What the hook held is dropped last: that may run Python, and Python may come back to this list.
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
    if (entry->key == key) {
      const GradientHook dropped = std::move(entry->hook);
      entries_.erase(entry);
      return;
    }
}

void HookList::retain(std::uint32_t output, Ref<GraphRecord> record) { retained_.push_back({output, std::move(record)}); }

void HookList::forget(const GraphRecord& record) {
  std::erase_if(retained_, [&](const Retained& r) { return r.record.get() == &record; });
}

}  // namespace gradgate
