// Threads, instruction sets and memory, and the hooks into the interpreter.
#include "base/environment.h"
#include "base/host.h"
#include "base/storage.h"
#include "base/thread_pool.h"
#include "bindings/casters.h"
#include "bindings/exit.h"
#include "bindings/module.h"
#include "graph/engine/tensor.h"
#include "graph/engine/types.h"
#include "kernels/dispatch.h"
#include "kernels/peak.h"

namespace py = pybind11;

namespace gradgate {
namespace {

void install_host_hooks() {
  host_hooks.release = []() -> void* { return PyEval_SaveThread(); };
  host_hooks.acquire = [](void* state) { until_exit([&] { PyEval_RestoreThread(static_cast<PyThreadState*>(state)); }); };
  host_hooks.check_interrupt = [] {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  };
}

// Other threads may measure their cores meanwhile.
std::pair<double, double> measured(TimedWork (*measure)()) {
  const LongWork released(kLongWorkNanoseconds);
  const TimedWork work = measure();
  return {work.count, work.seconds};
}

std::string compiler() {
#if defined(__clang__)
  return cat("Clang ", __clang_major__, ".", __clang_minor__, ".", __clang_patchlevel__);
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#else
  return "unknown";
#endif
}

}  // namespace

void define_configuration(py::module_& m) {
  install_host_hooks();
  m.attr("__version__") = GRADGATE_VERSION;
  m.def("get_num_threads", get_num_threads, "The number of threads that a kernel may use, the calling one among them.");
  m.def("set_num_threads", set_num_threads, py::arg("n"),
        "Sets the number of threads that a kernel may use; results do not depend on it.\n\n"
        "Raises ValueError below 1 and above 4096.");
  m.def("compiled_isas", compiled_isas, "Names of the instruction sets compiled into this build, narrowest first.");
  m.def("available_isas", available_isas, "Those of compiled_isas() that this machine has.");
  m.def("active_isa", active_isa, "Name of the instruction set in use.");
  m.def("set_isa", set_isa, py::arg("name"),
        "Chooses the instruction set; results do not depend on it.\n\nRaises ValueError for a name that is not available.");
  m.def("_compiler", compiler, "The compiler that built this module.");
  m.def(
      "_fma_peak",
      [](DType dtype) {
        return visit_floating("_fma_peak", dtype, []<class T>() { return measured(fma_peak<T>); });
      },
      py::arg("dtype"),
      "Runs fused multiply-adds on registers alone for some milliseconds: (floating-point operations, seconds) of this thread's core.");
  m.def(
      "_clock_cycles", [] { return measured(clock_cycles); }, "(cycles, seconds) of a chain of operations that take a cycle each.");
  m.def(
      "_environment_warnings",
      [] {
        get_num_threads();
        active_isa();
        return take_environment_warnings();
      },
      "What is wrong with the values of GRADGATE_ISA and GRADGATE_NUM_THREADS; told once.");
  m.def("empty_cache", empty_cache, "Gives memory that waits for reuse back to the system.");
  m.def(
      "memory_statistics",
      [] {
        const MemoryStatistics s = memory_statistics();
        return py::dict(py::arg("in_use") = s.in_use, py::arg("cached") = s.cached);
      },
      "Bytes of tensor memory in use, and waiting for reuse.");
  m.def("get_default_dtype", default_dtype, "The floating-point type that Python floats and promoted integers take.");
  m.def("set_default_dtype", set_default_dtype, py::arg("d"),
        "Sets the default floating-point type.\n\nRaises TypeError for a type that is not floating-point.");
}

}  // namespace gradgate
