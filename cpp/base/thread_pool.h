// The thread pool: one parallel loop at a time, and the calling thread takes part.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace gradgate {

template <class Signature>
class FunctionRef;

// A reference to something callable that outlives the call it is handed to; copying it allocates nothing.
template <class Result, class... Arguments>
class FunctionRef<Result(Arguments...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
  FunctionRef(F&& f)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Arguments... arguments) -> Result {
          return (*static_cast<std::remove_reference_t<F>*>(object))(arguments...);
        }) {}

  Result operator()(Arguments... arguments) const { return call_(object_, arguments...); }

 private:
  void* object_;
  Result (*call_)(void*, Arguments...);
};

// The number of threads that a parallel loop may use, the caller among them. It starts as GRADGATE_NUM_THREADS or,
// without it, the CPUs that the affinity mask and the cgroup quota grant.
int get_num_threads();

// More than any machine's CPUs: a number above it is a mistake.
inline constexpr int kMaxThreads = 4096;

// Takes effect at the next parallel loop. Raises ValueError unless 1 <= n <= kMaxThreads.
void set_num_threads(std::int64_t n);

// Calls work(0), ..., work(count - 1), each once, and returns when all are done. The caller runs work(0) and then,
// like the pool's threads, whatever nobody has begun: it never waits for a thread that has yet to wake. Runs serially
// when called from inside a parallel loop or while another thread is in one. The first exception reaches the caller.
void parallel(int count, FunctionRef<void(int)> work);

// Calls f(begin, end) on pieces that cover 0 ... n - 1. Every begin is a multiple of `grain`, the least worth a thread.
template <class F>
void parallel_for(std::int64_t n, std::int64_t grain, F&& f) {
  if (n <= 0) return;
  const std::int64_t grains = (n + grain - 1) / grain;
  const int threads = grains > 1 ? get_num_threads() : 1;
  if (threads == 1) {
    f(std::int64_t{0}, n);
    return;
  }
  // Two pieces a thread: a thread that wakes late takes fewer.
  const std::int64_t pieces = std::min<std::int64_t>(grains, 2 * std::int64_t{threads});
  parallel(static_cast<int>(pieces), [&](int piece) {
    const std::int64_t begin = grains * piece / pieces * grain;
    const std::int64_t end = std::min(n, grains * (piece + 1) / pieces * grain);
    f(begin, end);
  });
}

}  // namespace gradgate
