// The scope of a trace.
#include "graph/engine/phrase.h"

#include <utility>

namespace gradgate {
namespace {

const GateKind kPhrase("phrase");
thread_local bool trace_runs = false;

}  // namespace

bool tracing() { return trace_runs; }
Tracing::Tracing() : before_(std::exchange(trace_runs, true)) {}
Tracing::~Tracing() { trace_runs = before_; }

const GateKind& Phrase::kind() const { return kPhrase; }
void Phrase::infer(const Inputs&, Plan&) const { fail<RuntimeError>("a phrase is not run again"); }
void Phrase::run(const Inputs&, const Outputs&) const { fail<RuntimeError>("a phrase is not run again"); }
void Phrase::rule(BackwardContext&) const { fail<RuntimeError>("no gradient flows through a phrase"); }

}  // namespace gradgate
