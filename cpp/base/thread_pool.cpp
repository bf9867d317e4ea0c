// The pool's threads: how they are started, fed, put to sleep and stopped.
#include "base/thread_pool.h"

#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/cpu_count.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/float_environment.h"

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#endif

namespace gradgate {
namespace {

// Waiting threads spin this long before they sleep: longer than the gap between two loops of a training step, short
// enough to leave an idle machine idle.
constexpr std::chrono::microseconds kSpin{50};

void pause_briefly() {
#if defined(__x86_64__) || defined(_M_X64)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// True as soon as `done` is, false when it is not within `limit`.
template <class Done>
bool spin_until(Done done, std::chrono::microseconds limit) {
  if (done()) return true;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  do {
    for (int i = 0; i < 16; ++i) {
      pause_briefly();
      if (done()) return true;
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return false;
}

// New threads inherit the signal mask: blocked in all, so that signals go to the program's own threads.
class SignalsBlocked {
#if defined(__unix__) || defined(__APPLE__)
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }

 private:
  sigset_t saved_;
#endif
};

thread_local bool inside_parallel = false;

class Pool {
 public:
  // Runs the loop with up to `threads` threads; false, with nothing done, when the pool is busy.
  bool try_run(int threads, int count, FunctionRef<void(int)> work);
  // Ends the threads; later loops are refused as if the pool were busy.
  void stop();

 private:
  void resize(int threads);
  void wake(int wanted);
  void serve();
  bool wait_for_work();
  void run_items();
  void run_item(int item);
  void wait_for_others();

  std::mutex busy_;  // held by the thread whose loop this is
  int threads_ = 1;    // as asked for; the system may have granted fewer
  std::vector<std::thread> workers_;
  std::chrono::microseconds spin_{0};

  // The loop. An item is claimed by taking 1 from `unclaimed_`; the other fields stay as they are until `unfinished_` is 0,
  // so whoever holds a claim may read them.
  const FunctionRef<void(int)>* work_ = nullptr;
  int count_ = 0;
  std::exception_ptr error_;
  alignas(64) std::atomic<int> unclaimed_{0};
  alignas(64) std::atomic<int> unfinished_{0};

  // Sleeping. Each side writes its own atomic before it reads the other's (sequentially consistent), so that no wake-up is lost.
  alignas(64) std::mutex sleep_;
  std::condition_variable work_came_, work_done_;
  std::atomic<int> sleepers_{0};
  std::atomic<bool> caller_sleeps_{false}, stopping_{false};
};

bool Pool::try_run(int threads, int count, FunctionRef<void(int)> work) {
  const std::unique_lock lock(busy_, std::try_to_lock);
  if (!lock) return false;
  if (threads_ != threads) resize(threads);
  work_ = &work;
  count_ = count;
  error_ = nullptr;
  unfinished_.store(count, std::memory_order_relaxed);
  unclaimed_.store(count - 1);
  wake(count - 1);
  inside_parallel = true;
  run_item(0);
  run_items();
  wait_for_others();
  inside_parallel = false;
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  return true;
}

void Pool::wake(int wanted) {
  const int sleepers = sleepers_.load();
  if (sleepers == 0) return;
  { const std::lock_guard lock(sleep_); }
  if (wanted >= sleepers)
    work_came_.notify_all();
  else
    for (int i = 0; i < wanted; ++i) work_came_.notify_one();
}

void Pool::run_items() {
  int unclaimed = unclaimed_.load(std::memory_order_relaxed);
  while (unclaimed > 0) {
    if (unclaimed_.compare_exchange_weak(unclaimed, unclaimed - 1, std::memory_order_acq_rel, std::memory_order_relaxed)) {
      run_item(count_ - unclaimed);
      unclaimed = unclaimed_.load(std::memory_order_relaxed);
    }
  }
}

void Pool::run_item(int item) {
  try {
    (*work_)(item);
  } catch (...) {
    const std::lock_guard lock(sleep_);
    if (!error_) error_ = std::current_exception();
  }
  if (unfinished_.fetch_sub(1) == 1 && caller_sleeps_.load()) {
    { const std::lock_guard lock(sleep_); }
    work_done_.notify_one();
  }
}

void Pool::wait_for_others() {
  const auto done = [this] { return unfinished_.load() == 0; };
  if (spin_until(done, spin_)) return;
  std::unique_lock lock(sleep_);
  caller_sleeps_.store(true);
  work_done_.wait(lock, done);
  caller_sleeps_.store(false);
}

// False when the pool is stopping.
bool Pool::wait_for_work() {
  const auto ready = [this] { return unclaimed_.load() > 0 || stopping_.load(); };
  if (!spin_until(ready, spin_)) {
    std::unique_lock lock(sleep_);
    sleepers_.fetch_add(1);
    work_came_.wait(lock, ready);
    sleepers_.fetch_sub(1);
  }
  return !stopping_.load();
}

void Pool::serve() {
  const FloatEnvironment environment;
  inside_parallel = true;
  while (wait_for_work()) run_items();
}

void Pool::resize(int threads) {
  stopping_.store(true);
  { const std::lock_guard lock(sleep_); }
  work_came_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  stopping_.store(false);
  threads_ = threads;
  // Threads that outnumber the CPUs would spin in each other's way.
  spin_ = threads <= available_cpus() ? kSpin : std::chrono::microseconds{0};
  const SignalsBlocked blocked;
  try {
    while (static_cast<int>(workers_.size()) < threads - 1) workers_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    // The system grants no more threads. Those that run, if only the caller, do all the work.
  }
}

void Pool::stop() {
  if (busy_.try_lock()) resize(1);
}

std::atomic<Pool*> the_pool{nullptr};

Pool& pool() {
  Pool* existing = the_pool.load(std::memory_order_acquire);
  if (existing) return *existing;
  auto fresh = std::make_unique<Pool>();
  if (the_pool.compare_exchange_strong(existing, fresh.get(), std::memory_order_acq_rel)) return *fresh.release();
  return *existing;
}

// A forked child has the pool's memory but none of its threads, and its locks in any state: it abandons that pool
// and makes another when it needs one. At exit the threads are joined, but for Windows, which ends them before this runs.
struct PoolLifetime {
  PoolLifetime() {
#if defined(__unix__) || defined(__APPLE__)
    pthread_atfork(nullptr, nullptr, [] { the_pool.store(nullptr, std::memory_order_relaxed); });
#endif
  }
  ~PoolLifetime() {
#if !defined(_WIN32)
    if (Pool* existing = the_pool.load(std::memory_order_acquire)) existing->stop();
#endif
  }
} pool_lifetime;

int default_num_threads() {
  const char* text = std::getenv("GRADGATE_NUM_THREADS");
  if (!text || !*text) return available_cpus();
  int n = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, n);
  if (error == std::errc{} && stop == end && n >= 1 && n <= kMaxThreads) return n;
  const int cpus = available_cpus();
  add_environment_warning(cat("GRADGATE_NUM_THREADS must be a whole number from 1 to ", kMaxThreads, ", got '", text, "'; using ",
                              cpus, cpus == 1 ? " thread" : " threads"));
  return cpus;
}

std::atomic<int> num_threads{0};  // 0 until first asked for

}  // namespace

int get_num_threads() {
  int n = num_threads.load(std::memory_order_relaxed);
  if (n > 0) return n;
  static const int initial = default_num_threads();
  return num_threads.compare_exchange_strong(n, initial) ? initial : n;
}

void set_num_threads(std::int64_t n) {
  if (n < 1 || n > kMaxThreads)
    fail<ValueError>("set_num_threads: the number of threads must be from 1 to ", kMaxThreads, ", got ", n);
  num_threads.store(static_cast<int>(n), std::memory_order_relaxed);
}

void parallel(int count, FunctionRef<void(int)> work) {
  if (count > 1 && !inside_parallel) {
    const int threads = get_num_threads();
    if (threads > 1 && pool().try_run(threads, count, work)) return;
  }
  for (int item = 0; item < count; ++item) work(item);
}

}  // namespace gradgate
