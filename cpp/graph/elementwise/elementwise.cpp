// Promotes, runs and records the elementwise gates.
#include "graph/elementwise/elementwise.h"

#include <array>

#include "graph/elementwise/binary.h"
#include "graph/elementwise/ternary.h"
#include "graph/elementwise/unary.h"

namespace gradgate {
namespace {

template <class G>
Ref<const Gate> make_unary(const double* scalars) {
  if constexpr (G::info.scalar_count() > 0) return Ref<const Gate>(new UnaryGate<G>(scalars));
  static const Ref<const Gate> gate(new UnaryGate<G>(nullptr));
  return gate;
}

template <class T>
const Gate& only() {
  static const Ref<const Gate> gate(new T);
  return *gate;
}

// What a gate's index leads to.
struct UnaryEntry {
  const GateInfo* info;
  Ref<const Gate> (*make)(const double* scalars);
};
struct Entry {
  const GateInfo* info;
  const Gate& (*gate)();
};

template <class... G>
constexpr std::array<UnaryEntry, sizeof...(G)> unary_entries(GateList<G...>) {
  return {UnaryEntry{&G::info, make_unary<G>}...};
}
template <class... G>
constexpr std::array<Entry, sizeof...(G)> binary_entries(GateList<G...>) {
  return {Entry{&G::info, only<BinaryGate<G>>}...};
}
template <class... G>
constexpr std::array<Entry, sizeof...(G)> ternary_entries(GateList<G...>) {
  return {Entry{&G::info, only<TernaryGate<G>>}...};
}

constexpr auto kUnary = unary_entries(UnaryGates{});
constexpr auto kBinary = binary_entries(BinaryGates{});
constexpr auto kTernary = ternary_entries(TernaryGates{});

// The type in which the gate computes on operands of this type.
DType computing_type(const GateInfo& info, DType dtype) {
  if (is_floating(dtype) || (info.integers == Integers::keep && dtype != DType::boolean)) return dtype;
  if (info.integers == Integers::promote) return default_dtype();
  fail<RuntimeError>(info.name, " is not defined for bool tensors; use a logical operation, or convert with .int()");
}

// On bools, sums and products are the logical operations, as in PyTorch.
bool is_logical(int gate, DType dtype) {
  return dtype == DType::boolean && (gate == BinaryGates::index<Add>() || gate == BinaryGates::index<Maximum>() ||
                                     gate == BinaryGates::index<Mul>() || gate == BinaryGates::index<Minimum>());
}
Logic logic_of(int gate) {
  return gate == BinaryGates::index<Add>() || gate == BinaryGates::index<Maximum>() ? Logic::disjunction : Logic::conjunction;
}

// A number stays one, so that an explanation writes it as such.
Tensor promoted(const Tensor& t, DType dtype) {
  if (t.dtype() == dtype) return t;
  Tensor x = cast(t, dtype);
  x.body()->number = t.is_number();
  return x;
}

}  // namespace

const GateInfo& unary_info(int gate) { return *kUnary[static_cast<std::size_t>(gate)].info; }
const GateInfo& binary_info(int gate) { return *kBinary[static_cast<std::size_t>(gate)].info; }
const GateInfo& ternary_info(int gate) { return *kTernary[static_cast<std::size_t>(gate)].info; }

Tensor apply_unary(int gate, const Tensor& x, const double* scalars) {
  const UnaryEntry& entry = kUnary[static_cast<std::size_t>(gate)];
  double defaults[kMaxGateScalars];
  if (!scalars) {
    for (int i = 0; i < kMaxGateScalars; ++i) defaults[i] = entry.info->scalars[i].value;
    scalars = defaults;
  }
  const Tensor input = cast(x, computing_type(*entry.info, x.is_number() && is_floating(x.dtype()) ? default_dtype() : x.dtype()));
  return evaluate(*entry.make(scalars), input);
}

Tensor apply_binary(int gate, const Tensor& a, const Tensor& b) {
  const Entry& entry = kBinary[static_cast<std::size_t>(gate)];
  const DType common = result_type(a, b);
  if (is_logical(gate, common)) return logical(logic_of(gate), a, b);
  const DType dtype = computing_type(*entry.info, common);
  return evaluate(entry.gate(), promoted(a, dtype), promoted(b, dtype));
}

Tensor apply_ternary(int gate, const Tensor& a, const Tensor& b, const Tensor& c) {
  const Entry& entry = kTernary[static_cast<std::size_t>(gate)];
  const Tensor operands[] = {a, b, c};
  const DType dtype = computing_type(*entry.info, result_type(operands, 3));
  if (!is_floating(dtype)) visit_floating(entry.info->name, dtype, []<class T>() {});
  return evaluate(entry.gate(), promoted(a, dtype), promoted(b, dtype), promoted(c, dtype));
}

}  // namespace gradgate
