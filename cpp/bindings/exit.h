// What becomes of other threads when the interpreter ends.
#pragma once

#include <chrono>
#include <thread>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace gradgate {

[[noreturn]] inline void wait_for_exit() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

// f(), which may ask for the interpreter lock. Once the interpreter is ending, Python ends such a thread by unwinding its stack: that would
// drop references without the lock, and terminates the program at the first function that must not throw. The thread waits instead,
// until the process has ended.
template <class F>
decltype(auto) until_exit(F&& f) {
#if defined(__GLIBCXX__)
  try {
    return f();
  } catch (const abi::__forced_unwind&) {
    wait_for_exit();
  }
#else
  return f();
#endif
}

}  // namespace gradgate
