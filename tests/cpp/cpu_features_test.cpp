// CPUID as read here against the compiler's own reading, which is linked where this test runs.
#include "base/cpu_features.h"

#include <algorithm>
#include <string>
#include <vector>

#include "check.h"
#include "kernels/dispatch.h"

int main() {
  using namespace gradgate;
  const CpuFeatures found = cpu_features();
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  CHECK(found.avx2 == avx2);
  CHECK(found.avx512 == (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")));
#else
  CHECK(!found.avx2 && !found.avx512);
#endif
  const std::vector<std::string> isas = available_isas();
  CHECK((std::find(isas.begin(), isas.end(), "avx2") != isas.end()) == found.avx2);
  CHECK((std::find(isas.begin(), isas.end(), "avx512") != isas.end()) == found.avx512);
  CHECK(isas.front() == "baseline");
  return test_status("cpu_features");
}
