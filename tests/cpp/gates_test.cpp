// What is derived from the gates' definitions and from the lists of types and words, against what a reader of the formulas says.
#include <cstring>

#include "base/dtype.h"
#include "check.h"
#include "gates/binary.h"
#include "gates/ternary.h"
#include "gates/unary.h"
#include "gates/uses.h"

namespace gradgate {
namespace {

static_assert(unary_saves<Neg>() == Saves::nothing && unary_saves<Round>() == Saves::nothing);
static_assert(unary_saves<Square>() == Saves::inputs && unary_saves<Mish>() == Saves::inputs);
static_assert(unary_saves<Softplus>() == Saves::inputs && unary_saves<Clamp>() == Saves::inputs);
static_assert(unary_saves<Sigmoid>() == Saves::output && unary_saves<Relu>() == Saves::output);
static_assert(binary_saves<Add>() == Saves::nothing && binary_saves<Mul>() == Saves::inputs && binary_saves<Pow>() == Saves::both);
static_assert(binary_needs<Mul>(0) == kSecondInput && binary_needs<Mul>(1) == kFirstInput);
static_assert(binary_needs<Pow>(0) == (kFirstInput | kSecondInput) && binary_needs<Pow>(1) == (kFirstInput | kSecondInput | kOutput));
static_assert(ternary_saves<Lerp>() == Saves::inputs);
static_assert(ternary_needs<Lerp>(0) == kThirdInput && ternary_needs<Lerp>(2) == (kFirstInput | kSecondInput));

// A function of the list is the gate that it names.
#define GRADGATE_HOLDS(word, gate, numpy) \
  CHECK(std::strcmp(gate::info.name, #word) == 0 && UnaryGates::index<gate>() >= 0);
void test_words() { GRADGATE_FUNCTIONS(GRADGATE_HOLDS) }
#undef GRADGATE_HOLDS

void test_types() {
  for (DType t : kEveryDType) {
    const bool same = visit(t, [&]<class T>() { return DTypeOf<T>::value == t && sizeof(T) == static_cast<std::size_t>(item_size(t)); });
    CHECK_MESSAGE(same, cat("visit meets the type of ", t));
    bool refused = false;
    try {
      visit_floating("test", t, [&]<class T>() { CHECK_MESSAGE(DTypeOf<T>::value == t, cat("visit_floating meets the type of ", t)); });
    } catch (const RuntimeError&) {
      refused = true;
    }
    CHECK_MESSAGE(refused != is_floating(t), cat("visit_floating refuses ", t, " unless it is a floating-point type"));
  }
  CHECK(promote(DType::int64, DType::float32) == DType::float32 && promote(DType::boolean, DType::uint8) == DType::uint8);
  CHECK(!is_signed(DType::boolean) && !is_signed(DType::uint8) && is_signed(DType::int32) && is_signed(DType::float64));
}

}  // namespace
}  // namespace gradgate

int main() {
  gradgate::test_words();
  gradgate::test_types();
  return gradgate::test_status("gates");
}
