// HookList: what users asked to happen to the gradients of one node's outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "graph/engine/tensor.h"

namespace gradgate {

// Called with a gradient; returns the one to use instead, or an undefined tensor to leave it as it is.
using GradientHook = std::function<Tensor(const Tensor&)>;

class HookList final : public Shared {
 public:
  struct Entry {
    std::uint64_t key;
    std::uint32_t output;
    GradientHook hook;
  };
  struct Retained {
    std::uint32_t output;
    Ref<GraphRecord> record;  // whose .grad it fills
  };

  // A hook on an output's gradient, called when all of it has arrived; the key is for remove.
  std::uint64_t add(std::uint32_t output, GradientHook hook);
  void remove(std::uint64_t key);
  // Keeps this output's gradient in the record's .grad.
  void retain(std::uint32_t output, Ref<GraphRecord> record);
  void forget(const GraphRecord& record);

  const std::vector<Entry>& entries() const { return entries_; }
  const std::vector<Retained>& retained() const { return retained_; }

 private:
  std::vector<Entry> entries_;
  std::vector<Retained> retained_;
};

}  // namespace gradgate
