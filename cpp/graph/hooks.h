// HookList: what users asked to happen to the gradients of one node's outputs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "graph/tensor.h"

namespace gradgate {

// Called with a gradient; returns the one to use instead, or an undefined tensor to leave it as it is.
using GradientHook = std::function<Tensor(const Tensor&)>;

class HookList {
 public:
  ~HookList();

  // A hook on an output's gradient, called when all of it has arrived; the key is for remove.
  std::uint64_t add(std::uint32_t output, GradientHook hook);
  void remove(std::uint64_t key);
  // Keeps this output's gradient in the tensor's .grad.
  void retain(std::uint32_t output, TensorBody* body);
  void forget(TensorBody* body);

  // Runs the hooks on this output in the order they were added, then fills retained gradients.
  void run(const char* gate, std::uint32_t output, Tensor& gradient);

 private:
  struct Entry {
    std::uint64_t key;
    std::uint32_t output;
    GradientHook hook;
  };
  struct Retained {
    std::uint32_t output;
    TensorBody* body;
  };
  std::vector<Entry> entries_;
  std::vector<Retained> retained_;
};

// The list in which this tensor's hooks live: its gate's, or a leaf's own, so that it outlasts the graph.
HookList& hooks_of(const Tensor& t);

}  // namespace gradgate
