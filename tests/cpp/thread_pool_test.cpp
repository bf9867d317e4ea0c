// The thread pool, the CPU count behind its default size, and the floating-point environment of its threads.
#include "base/thread_pool.h"

#include <array>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/cpu_count.h"
#include "base/environment.h"
#include "base/error.h"
#include "base/float_environment.h"
#include "check.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace gradgate;

namespace {

// Waits until `flag` reaches `value`, so that a test can hold several threads inside one loop.
void await(const std::atomic<int>& flag, int value) {
  while (flag.load() < value) std::this_thread::yield();
}

void every_item_runs_once() {
  for (int threads : {1, 2, 3, 4, 9}) {
    set_num_threads(threads);
    CHECK(get_num_threads() == threads);
    for (int count : {0, 1, 2, 3, 7, 64}) {
      for (int round = 0; round < 50; ++round) {
        std::vector<std::atomic<int>> runs(static_cast<std::size_t>(count));
        parallel(count, [&](int item) { runs[static_cast<std::size_t>(item)].fetch_add(1); });
        for (const auto& run : runs) CHECK(run.load() == 1);
      }
    }
  }
}

void caller_takes_part_and_others_help() {
  set_num_threads(3);
  const auto caller = std::this_thread::get_id();
  std::array<std::thread::id, 3> ids;
  std::atomic<int> arrived{0};
  parallel(3, [&](int item) {
    ids[static_cast<std::size_t>(item)] = std::this_thread::get_id();
    arrived.fetch_add(1);
    await(arrived, 3);
  });
  CHECK(ids[0] == caller);
  CHECK(ids[1] != caller && ids[2] != caller && ids[1] != ids[2]);
}

void sleeping_threads_wake() {
  set_num_threads(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::atomic<int> arrived{0};
    parallel(2, [&](int) {
      arrived.fetch_add(1);
      await(arrived, 2);
    });
    // The caller sleeps too when the other thread has much more to do.
    parallel(2, [&](int) {
      if (arrived.fetch_add(1) == 3) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      await(arrived, 4);
    });
    CHECK(arrived.load() == 4);
  }
}

void nested_and_concurrent_loops_are_serial() {
  set_num_threads(4);
  std::atomic<int> inner{0}, wrong{0};
  parallel(4, [&](int) {
    const auto here = std::this_thread::get_id();
    parallel(5, [&](int) {
      inner.fetch_add(1);
      if (std::this_thread::get_id() != here) wrong.fetch_add(1);
    });
  });
  CHECK(inner.load() == 20);
  CHECK(wrong.load() == 0);

  std::atomic<int> stage{0};
  std::thread other([&] {
    await(stage, 1);
    const auto here = std::this_thread::get_id();
    parallel(5, [&](int) {
      if (std::this_thread::get_id() != here) wrong.fetch_add(1);
    });
    stage.store(2);
  });
  parallel(2, [&](int item) {
    if (item == 0) stage.store(1);
    await(stage, 2);
  });
  other.join();
  CHECK(wrong.load() == 0);
}

void exceptions_reach_the_caller() {
  for (int threads : {1, 2, 4}) {
    set_num_threads(threads);
    for (int guilty = 0; guilty < 4; ++guilty) {
      const auto loop = [&] {
        parallel(4, [&](int item) {
          if (item == guilty) throw std::runtime_error("item " + std::to_string(item));
        });
      };
      CHECK_THROWS(loop(), std::runtime_error, "item " + std::to_string(guilty));
    }
    std::atomic<int> runs{0};
    parallel(4, [&](int) { runs.fetch_add(1); });
    CHECK(runs.load() == 4);
  }
}

void parallel_for_covers_the_range() {
  for (int threads : {1, 2, 3}) {
    set_num_threads(threads);
    for (std::int64_t n : {0, 1, 63, 64, 65, 1000, 4096}) {
      for (std::int64_t grain : {1, 64, 5000}) {
        std::vector<std::atomic<int>> seen(static_cast<std::size_t>(n));
        std::atomic<int> misplaced{0};
        parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
          if (begin % grain != 0 || begin >= end) misplaced.fetch_add(1);
          for (std::int64_t i = begin; i < end; ++i) seen[static_cast<std::size_t>(i)].fetch_add(1);
        });
        CHECK(misplaced.load() == 0);
        for (const auto& count : seen) CHECK(count.load() == 1);
      }
    }
  }
}

void size_is_checked() {
  CHECK_THROWS(set_num_threads(0), ValueError, "from 1 to 4096, got 0");
  CHECK_THROWS(set_num_threads(-3), ValueError, "got -3");
  CHECK_THROWS(set_num_threads(4097), ValueError, "got 4097");
  CHECK_THROWS(set_num_threads(std::int64_t{1} << 32 | 2), ValueError, "got 4294967298");
}

bool rounds_upward() {
  volatile float one = 1, little = 1e-10f;
  return one + little > 1;
}

bool keeps_subnormals() {
  volatile float least = std::numeric_limits<float>::min();
  return least / 2 > 0;
}

void workers_have_the_default_float_environment() {
  // A change of size starts the threads anew: under the altered environment, which they would inherit.
  set_num_threads(2);
  parallel(2, [](int) {});
  set_num_threads(3);
  std::fesetround(FE_UPWARD);
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
  CHECK(!keeps_subnormals());
#endif
  std::atomic<int> arrived{0}, altered{0};
  parallel(3, [&](int item) {
    if (item > 0 && (rounds_upward() || !keeps_subnormals())) altered.fetch_add(1);
    arrived.fetch_add(1);
    await(arrived, 3);
  });
  CHECK(altered.load() == 0);
  CHECK(rounds_upward());
  {
    const FloatEnvironment environment;
    CHECK(!rounds_upward());
    CHECK(keeps_subnormals());
  }
  CHECK(rounds_upward());
#if defined(__x86_64__)
  CHECK(!keeps_subnormals());
  _mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
  std::fesetround(FE_TONEAREST);
}

#if defined(__unix__) || defined(__APPLE__)
// The child's exit status is 0 when `test` returns true.
template <class Test>
bool passes_in_child(Test test) {
  const pid_t child = fork();
  if (child == 0) _exit(test() ? 0 : 1);
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool two_threads_meet() {
  std::atomic<int> arrived{0};
  parallel(2, [&](int) {
    arrived.fetch_add(1);
    await(arrived, 2);
  });
  return arrived.load() == 2;
}

void forked_children_have_a_pool() {
  set_num_threads(2);
  CHECK(two_threads_meet());
  CHECK(passes_in_child(two_threads_meet));
  CHECK(passes_in_child([] { return passes_in_child(two_threads_meet); }));
  CHECK(two_threads_meet());
}

// Must come before anything else asks for the number of threads.
void environment_is_honoured() {
  const auto check = [](const char* value, int threads, const std::string& warning) {
    CHECK_MESSAGE(passes_in_child([&] {
      setenv("GRADGATE_NUM_THREADS", value, 1);
      if (get_num_threads() != threads) return false;
      const std::vector<std::string> warnings = take_environment_warnings();
      if (!take_environment_warnings().empty()) return false;
      return warning.empty() ? warnings.empty() : warnings.size() == 1 && warnings[0].find(warning) != std::string::npos;
    }), std::string("GRADGATE_NUM_THREADS=") + value);
  };
  const int cpus = available_cpus();
  check("3", 3, "");
  check("", cpus, "");
  check("0", cpus, "from 1 to 4096, got '0'");
  check("two", cpus, "from 1 to 4096, got 'two'");
  check("4097", cpus, "from 1 to 4096, got '4097'");
  check("2x", cpus, "from 1 to 4096, got '2x'");
}
#endif

void cgroup_quotas_are_read() {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("gradgate-cgroup-" + std::to_string(std::random_device{}()));
  const auto write = [&](const char* path, const char* text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  };
  CHECK(!cgroup_cpus(root.string()));
  write("proc/self/cgroup", "0::/a/b\n");
  CHECK(!cgroup_cpus(root.string()));
  write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(!cgroup_cpus(root.string()));
  write("sys/fs/cgroup/a/cpu.max", "350000 100000\n");
  CHECK(cgroup_cpus(root.string()) == 3);
  write("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  CHECK(cgroup_cpus(root.string()) == 1);
  write("proc/self/cgroup", "3:cpuset:/\n2:cpu,cpuacct:/docker/x\n1:memory:/\n");
  CHECK(!cgroup_cpus(root.string()));
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  CHECK(!cgroup_cpus(root.string()));
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n");
  CHECK(cgroup_cpus(root.string()) == 2);
  fs::remove_all(root);
}

}  // namespace

int main() {
#if defined(__unix__) || defined(__APPLE__)
  environment_is_honoured();
#endif
  CHECK(get_num_threads() >= 1);
  every_item_runs_once();
  caller_takes_part_and_others_help();
  sleeping_threads_wake();
  nested_and_concurrent_loops_are_serial();
  exceptions_reach_the_caller();
  parallel_for_covers_the_range();
  size_is_checked();
  workers_have_the_default_float_environment();
  cgroup_quotas_are_read();
#if defined(__unix__) || defined(__APPLE__)
  forked_children_have_a_pool();
#endif
  return test_status("thread_pool");
}
