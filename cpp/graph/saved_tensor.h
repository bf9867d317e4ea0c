// SavedTensor: a value that the forward pass keeps for backward, guarded against being changed in between.
#pragma once

#include "graph/node.h"

namespace gradgate {

class SavedTensor {
 public:
  SavedTensor() = default;

  // Keeps an input of the gate.
  static SavedTensor input(const Tensor& t) { return SavedTensor(t, false); }
  // Keeps the gate's own output, without the reference to the node that would make a cycle.
  static SavedTensor output(const Tensor& t) { return SavedTensor(t.alias(), true); }

  // The value, undefined if none was kept. Throws RuntimeError when the graph was freed or the value was changed in place.
  Tensor unpack(Node& gate) const;
  void reset() { tensor_ = KeptTensor(); }

 private:
  SavedTensor(const Tensor& t, bool is_output) : tensor_(t), version_(t.version()), is_output_(is_output) {}

  KeptTensor tensor_;
  std::uint32_t version_ = 0;
  bool is_output_ = false;
};

}  // namespace gradgate
