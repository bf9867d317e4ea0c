// The affinity mask and the cgroup quota of this process.
#include "base/cpu_count.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace gradgate {
namespace {

int affinity_cpus() {
#if defined(__linux__)
  // The kernel refuses a mask shorter than its own, so the mask grows until it is taken.
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
    cpu_set_t* mask = CPU_ALLOC(cpus);
    if (!mask) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(cpus);
    const bool taken = sched_getaffinity(0, bytes, mask) == 0;
    const int count = taken ? CPU_COUNT_S(bytes, mask) : 0;
    CPU_FREE(mask);
    if (taken) return std::max(count, 1);
  }
#elif defined(_WIN32)
  DWORD_PTR process = 0, system = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system) && process)
    return __builtin_popcountll(static_cast<unsigned long long>(process));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// CPUs of one group's quota, or empty. Version 2 keeps "quota period" in one file, with "max" for none;
// version 1 keeps two files, with -1 for none.
std::optional<double> quota_of_group(const std::string& directory, bool version_2) {
  double quota = -1, period = 0;
  if (version_2) {
    std::ifstream file(directory + "/cpu.max");
    file >> quota >> period;
    if (!file) return std::nullopt;
  } else {
    std::ifstream quota_file(directory + "/cpu.cfs_quota_us"), period_file(directory + "/cpu.cfs_period_us");
    quota_file >> quota;
    period_file >> period;
    if (!quota_file || !period_file) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

bool names_cpu_controller(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');)
    if (name == "cpu") return true;
  return false;
}

}  // namespace

std::optional<int> cgroup_cpus(const std::string& root) {
  std::optional<double> smallest;
  std::ifstream groups(root + "/proc/self/cgroup");
  // Each line is "id:controllers:path"; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool version_2 = controllers.empty();
    if (!version_2 && !names_cpu_controller(controllers)) continue;
    const std::string mount = root + (version_2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controllers);
    // A quota binds every group below it; inside a container the path may be the host's, and only the mount is ours.
    for (std::string path = line.substr(second + 1);;) {
      if (path == "/") path.clear();
      const auto quota = quota_of_group(mount + path, version_2);
      if (quota && (!smallest || *quota < *smallest)) smallest = quota;
      const std::size_t slash = path.rfind('/');
      if (slash == std::string::npos) break;
      path.resize(slash);
    }
  }
  if (!smallest) return std::nullopt;
  return static_cast<int>(std::clamp(std::floor(*smallest), 1.0, 1e6));
}

int available_cpus() {
  const int cpus = affinity_cpus();
#if defined(__linux__)
  if (const auto quota = cgroup_cpus("")) return std::min(cpus, *quota);
#endif
  return cpus;
}

}  // namespace gradgate
