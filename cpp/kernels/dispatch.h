// Which instruction set's kernels the library runs.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "kernels/table.h"

namespace gradgate {

// Names of instruction sets, narrowest first: those compiled into the library, and those of them that this CPU and
// its operating system have.
std::vector<std::string> compiled_isas();
std::vector<std::string> available_isas();

// The one in use: at first what the environment variable GRADGATE_ISA names or, without it, the widest available.
std::string active_isa();

// Changes it, for every thread, from the next kernel on. Raises ValueError for a name that is not available.
void set_isa(const std::string& name);

// Null until the first choice.
extern std::atomic<const KernelTable*> active_table;
const KernelTable& choose_kernels();

inline const KernelTable& kernels() {
  const KernelTable* table = active_table.load(std::memory_order_acquire);
  return table ? *table : choose_kernels();
}

}  // namespace gradgate
