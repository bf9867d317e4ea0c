// The compiled instruction sets, and the choice among those that the CPU has.
#include "kernels/dispatch.h"

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/cpu_features.h"
#include "base/environment.h"
#include "base/error.h"

namespace gradgate {

namespace baseline {
void fill_table(KernelTable& table);
}
#ifdef GRADGATE_HAS_avx2
namespace avx2 {
void fill_table(KernelTable& table);
}
#endif
#ifdef GRADGATE_HAS_avx512
namespace avx512 {
void fill_table(KernelTable& table);
}
#endif
#ifdef GRADGATE_HAS_neon
namespace neon {
void fill_table(KernelTable& table);
}
#endif

namespace {

struct CompiledIsa {
  const char* name;
  void (*fill_table)(KernelTable&);
  bool available;
};

// Narrowest first.
const std::vector<CompiledIsa>& all_isas() {
  static const std::vector<CompiledIsa> isas = {
      {"baseline", baseline::fill_table, true},
#ifdef GRADGATE_HAS_avx2
      {"avx2", avx2::fill_table, cpu_features().avx2},
#endif
#ifdef GRADGATE_HAS_avx512
      {"avx512", avx512::fill_table, cpu_features().avx512},
#endif
#ifdef GRADGATE_HAS_neon
      {"neon", neon::fill_table, true},
#endif
  };
  return isas;
}

struct AvailableIsa {
  std::string name;
  std::unique_ptr<const KernelTable> table;
};

const std::vector<AvailableIsa>& usable_isas() {
  static const std::vector<AvailableIsa> isas = [] {
    std::vector<AvailableIsa> result;
    for (const CompiledIsa& isa : all_isas()) {
      if (!isa.available) continue;
      auto table = std::make_unique<KernelTable>();
      isa.fill_table(*table);
      result.push_back({isa.name, std::move(table)});
    }
    return result;
  }();
  return isas;
}

const KernelTable* find_table(const std::string& name) {
  for (const AvailableIsa& isa : usable_isas())
    if (isa.name == name) return isa.table.get();
  return nullptr;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string why_unavailable(const std::string& name) {
  for (const CompiledIsa& isa : all_isas())
    if (isa.name == name) return cat("this CPU has no '", name, "'");
  return cat("there is no '", name, "' in this build, which has ", joined(compiled_isas()));
}

const KernelTable* initial_table() {
  const AvailableIsa& widest = usable_isas().back();
  const char* name = std::getenv("GRADGATE_ISA");
  if (!name || !*name) return widest.table.get();
  if (const KernelTable* table = find_table(name)) return table;
  add_environment_warning(cat("GRADGATE_ISA: ", why_unavailable(name), "; using ", widest.name, ", available are ",
                              joined(available_isas())));
  return widest.table.get();
}

}  // namespace

std::atomic<const KernelTable*> active_table{nullptr};

const KernelTable& choose_kernels() {
  static const KernelTable* const initial = initial_table();
  const KernelTable* none = nullptr;
  return active_table.compare_exchange_strong(none, initial) ? *initial : *none;
}

std::vector<std::string> compiled_isas() {
  std::vector<std::string> names;
  for (const CompiledIsa& isa : all_isas()) names.push_back(isa.name);
  return names;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const AvailableIsa& isa : usable_isas()) names.push_back(isa.name);
  return names;
}

std::string active_isa() {
  const KernelTable* active = &kernels();
  for (const AvailableIsa& isa : usable_isas())
    if (isa.table.get() == active) return isa.name;
  fail<RuntimeError>("active_isa: the kernel table in use belongs to no instruction set");
}

void set_isa(const std::string& name) {
  const KernelTable* table = find_table(name);
  if (!table) fail<ValueError>("set_isa: ", why_unavailable(name), "; available are ", joined(available_isas()));
  active_table.store(table, std::memory_order_release);
}

}  // namespace gradgate
