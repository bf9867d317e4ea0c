// Lets the program that embeds the core run while a long kernel works, and interrupt it between kernels.
#pragma once

#include <cstdint>

namespace gradgate {

// What an interpreter installs; each may be null.
struct HostHooks {
  void* (*release)() = nullptr;          // gives up the interpreter lock and returns what acquire needs
  void (*acquire)(void* state) = nullptr;  // takes it back; does not return in a thread that outlives the interpreter
  void (*check_interrupt)() = nullptr;   // throws when the user asked to stop
};

inline HostHooks host_hooks;

// Releasing and taking the lock costs about a microsecond; work shorter than this keeps it.
inline constexpr std::int64_t kLongWorkNanoseconds = 50'000;

// In its scope long work keeps the lock: what it does to a value that several threads change is seen whole.
class UndividedWork {
 public:
  UndividedWork() { ++depth_; }
  ~UndividedWork() { --depth_; }
  UndividedWork(const UndividedWork&) = delete;
  UndividedWork& operator=(const UndividedWork&) = delete;
  static bool active() { return depth_ > 0; }

 private:
  static inline thread_local int depth_ = 0;
};

// In its scope the interpreter may run other threads, so no reference count may be touched.
class LongWork {
 public:
  explicit LongWork(std::int64_t estimated_nanoseconds) {
    if (estimated_nanoseconds >= kLongWorkNanoseconds && host_hooks.release && !UndividedWork::active()) {
      state_ = host_hooks.release();
      released_ = true;
    }
  }
  ~LongWork() {
    if (released_) host_hooks.acquire(state_);
  }
  LongWork(const LongWork&) = delete;
  LongWork& operator=(const LongWork&) = delete;

 private:
  void* state_ = nullptr;
  bool released_ = false;
};

inline void check_interrupt() {
  if (host_hooks.check_interrupt) host_hooks.check_interrupt();
}

}  // namespace gradgate
