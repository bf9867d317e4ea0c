// The watchers that are on, thread by thread.
#include "graph/engine/watcher.h"

#include <algorithm>

namespace gradgate {

thread_local bool gates_watched = false;

class ThreadWatchers final : public SweepObserver {
 public:
  void add(GraphWatcher* watcher) {
    if (walks_ == 0) std::erase(*list_, nullptr);
    list_->push_back(watcher);
    watcher->list_ = list_;
    update();
  }
  void pause(int change) {
    pauses_ += change;
    update();
  }
  bool any() const {
    return std::any_of(list_->begin(), list_->end(), [](const GraphWatcher* w) { return w != nullptr; });
  }
  void update() { gates_watched = pauses_ == 0 && any(); }

  template <class F>
  void each(const F& f) {
    ++walks_;
    // By index: the list grows when a watcher starts another.
    try {
      for (std::size_t i = 0; i < list_->size(); ++i)
        if (GraphWatcher* watcher = (*list_)[i]) f(*watcher);
    } catch (...) {
      --walks_;
      throw;
    }
    if (--walks_ == 0) update();
  }

  void on_upstream(const Node& node, int output, const Tensor& gradient) override {
    each([&](GraphWatcher& w) { w.on_upstream(node, output, gradient); });
  }
  void on_downstream(const Node& node, int input, const Tensor& gradient) override {
    each([&](GraphWatcher& w) { w.on_downstream(node, input, gradient); });
  }

 private:
  std::shared_ptr<GraphWatcher::List> list_ = std::make_shared<GraphWatcher::List>();
  int pauses_ = 0, walks_ = 0;
};

namespace {

ThreadWatchers& watchers() {
  thread_local ThreadWatchers all;
  return all;
}

}  // namespace

void GraphWatcher::start() {
  stop();
  watchers().add(this);
}

void GraphWatcher::stop() {
  if (!list_) return;
  std::replace(list_->begin(), list_->end(), this, static_cast<GraphWatcher*>(nullptr));
  list_.reset();
  watchers().update();
}

WatchPause::WatchPause() { watchers().pause(1); }
WatchPause::~WatchPause() { watchers().pause(-1); }

void tell_watchers(const Tensor& output) {
  watchers().each([&](GraphWatcher& w) { w.on_gate(output); });
}

SweepObserver* watchers_of_sweeps() { return watchers().any() ? &watchers() : nullptr; }

}  // namespace gradgate
