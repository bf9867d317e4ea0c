// How many CPUs this process may use.
#pragma once

#include <optional>
#include <string>

namespace gradgate {

// The CPUs of the affinity mask, limited by the cgroup's quota; at least 1.
int available_cpus();

// Whole CPUs granted by the quotas (version 1 or 2) of this process's cgroup and of those above it, at least 1; empty
// when there is none. `root` stands for "/", so that tests can lay out a tree of their own.
std::optional<int> cgroup_cpus(const std::string& root);

}  // namespace gradgate
