// GraphWatcher: sees every gate that its thread records, and every gradient of every sweep there, while it is on.
#pragma once

#include <memory>
#include <vector>

#include "graph/engine/node.h"

namespace gradgate {

// Sees the gradients of a sweep as they come: those that arrived at a gate's outputs, and those it sends to its inputs.
class SweepObserver {
 public:
  virtual void on_upstream(const Node& node, int output, const Tensor& gradient) = 0;
  virtual void on_downstream(const Node& node, int input, const Tensor& gradient) = 0;

 protected:
  ~SweepObserver() = default;
};

class GraphWatcher : public SweepObserver {
 public:
  GraphWatcher() = default;
  GraphWatcher(const GraphWatcher&) = delete;
  GraphWatcher& operator=(const GraphWatcher&) = delete;

  // Called with each output of a new gate. What it throws leaves the gate's function.
  virtual void on_gate(const Tensor& output) = 0;
  void on_upstream(const Node&, int, const Tensor&) override {}
  void on_downstream(const Node&, int, const Tensor&) override {}

  // Watches the calling thread, and no other.
  void start();
  // From any thread.
  void stop();

 protected:
  ~GraphWatcher() { stop(); }

 private:
  // A thread's watchers. One that stops leaves its place empty: the list may be being walked, by a watcher that runs Python.
  using List = std::vector<GraphWatcher*>;
  friend class ThreadWatchers;
  std::shared_ptr<List> list_;
};

// Whether this thread's gates are watched.
extern thread_local bool gates_watched;
void tell_watchers(const Tensor& output);

// Sees a sweep's gradients for all watchers of this thread; null when there are none.
SweepObserver* watchers_of_sweeps();

// In its scope no watcher is told of this thread's gates: those of a replay or of a sweep are not the user's.
class WatchPause {
 public:
  WatchPause();
  ~WatchPause();
  WatchPause(const WatchPause&) = delete;
  WatchPause& operator=(const WatchPause&) = delete;
};

}  // namespace gradgate
