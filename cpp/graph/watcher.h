// GraphWatcher: sees every gate as it is recorded, and every gradient of every sweep, while it is on.
#pragma once

#include "graph/sweep.h"

namespace gradgate {

class GraphWatcher : public SweepObserver {
 public:
  GraphWatcher() = default;
  GraphWatcher(const GraphWatcher&) = delete;
  GraphWatcher& operator=(const GraphWatcher&) = delete;

  // Called with each output of a new gate. What it throws leaves the gate's function.
  virtual void on_gate(const Tensor& output) = 0;
  void on_upstream(const Node&, int, const Tensor&) override {}
  void on_downstream(const Node&, int, const Tensor&) override {}

  void start();
  void stop();

 protected:
  ~GraphWatcher() { stop(); }
};

// Sees a sweep's gradients for all watchers; null when there are none.
SweepObserver* watchers_of_sweeps();

// In its scope no watcher is told of gates: those of a replay or of a sweep are not the user's.
class WatchPause {
 public:
  WatchPause();
  ~WatchPause();
  WatchPause(const WatchPause&) = delete;
  WatchPause& operator=(const WatchPause&) = delete;
};

}  // namespace gradgate
