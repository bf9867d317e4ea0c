// The list of watchers that are on.
#include "graph/watcher.h"

#include <algorithm>
#include <vector>

namespace gradgate {
namespace {

std::vector<GraphWatcher*> watchers;
int pauses = 0;

void update() { gates_watched = !watchers.empty() && pauses == 0; }

class AllWatchers final : public SweepObserver {
 public:
  void on_upstream(const Node& node, int output, const Tensor& gradient) override {
    for (GraphWatcher* watcher : watchers) watcher->on_upstream(node, output, gradient);
  }
  void on_downstream(const Node& node, int input, const Tensor& gradient) override {
    for (GraphWatcher* watcher : watchers) watcher->on_downstream(node, input, gradient);
  }
};

AllWatchers all_watchers;

}  // namespace

void GraphWatcher::start() {
  stop();
  watchers.push_back(this);
  update();
}

void GraphWatcher::stop() {
  watchers.erase(std::remove(watchers.begin(), watchers.end(), this), watchers.end());
  update();
}

WatchPause::WatchPause() {
  ++pauses;
  update();
}
WatchPause::~WatchPause() {
  --pauses;
  update();
}

void tell_watchers(const Tensor& output) {
  for (GraphWatcher* watcher : watchers) watcher->on_gate(output);
}

SweepObserver* watchers_of_sweeps() { return watchers.empty() ? nullptr : &all_watchers; }

}  // namespace gradgate
