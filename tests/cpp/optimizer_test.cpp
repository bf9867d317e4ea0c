// Every optimizer kernel against its rule on single numbers, bit for bit, on every instruction set and thread count.
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "check.h"

// The vocabulary of the rules for V = a single number.
namespace gradgate {
template <class T>
T select(bool condition, T a, T b) {
  return condition ? a : b;
}
template <class T>
T fma(T a, T b, T c) {
  return std::fma(a, b, c);
}
template <class T>
T sqrt(T x) {
  return std::sqrt(x);
}
}  // namespace gradgate

#include "gates/optimizer.h"
#include "kernels/dispatch.h"
#include "kernels/optimizer.h"

namespace gradgate {
namespace {

constexpr int kSteps = 5;

// Parameters of several sizes, with the state of one rule; a guard element follows every array.
template <class Rule, class T>
struct Model {
  std::vector<std::vector<T>> p, g, state[Rule::states];

  explicit Model(const std::vector<std::int64_t>& sizes) {
    for (std::int64_t n : sizes) {
      const auto length = static_cast<std::size_t>(n) + 1;
      p.emplace_back(length, T(1));
      g.emplace_back(length);
      for (auto& s : state) s.emplace_back(length, T(0));
    }
  }

  void draw_gradients(std::mt19937& random) {
    for (auto& array : g)
      for (auto& x : array) x = static_cast<T>(random() / 4294967296.0 - 0.5);
  }

  bool operator==(const Model& other) const {
    auto same = [](const auto& a, const auto& b) {
      for (std::size_t i = 0; i < a.size(); ++i)
        if (std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(T)) != 0) return false;
      return true;
    };
    for (int s = 0; s < Rule::states; ++s)
      if (!same(state[s], other.state[s])) return false;
    return same(p, other.p);
  }
};

template <class Rule, class T>
void reference_step(const Rule& rule, unsigned used, int step, Model<Rule, T>& model) {
  for (std::size_t j = 0; j < model.p.size(); ++j)
    for (std::size_t i = 0; i + 1 < model.p[j].size(); ++i) {
      T values[Rule::states];
      for (int s = 0; s < Rule::states; ++s) values[s] = model.state[s][j][i];
      Rule::update(rule.at(step), model.p[j][i], model.g[j][i], values);
      for (int s = 0; s < Rule::states; ++s)
        if (used >> s & 1) model.state[s][j][i] = values[s];
    }
}

template <class Rule, class T>
void kernel_step(const Rule& rule, unsigned used, int step, Model<Rule, T>& model) {
  std::vector<ParameterUpdate<Rule, T>> updates;
  for (std::size_t j = 0; j < model.p.size(); ++j) {
    ParameterUpdate<Rule, T> update{
        static_cast<std::int64_t>(model.p[j].size()) - 1, model.p[j].data(), model.g[j].data(), {}, double(step)};
    for (int s = 0; s < Rule::states; ++s) update.state[s] = used >> s & 1 ? model.state[s][j].data() : nullptr;
    updates.push_back(update);
  }
  update_parameters(rule, updates);
}

template <class Rule, class T>
void check_rule(const Rule& rule, unsigned used, const std::vector<std::int64_t>& sizes) {
  Model<Rule, T> expected(sizes);
  std::mt19937 random(1);
  for (int step = 1; step <= kSteps; ++step) {
    expected.draw_gradients(random);
    reference_step(rule, used, step, expected);
  }
  for (const auto& isa : available_isas())
    for (int threads = 1; threads <= 4; ++threads) {
      set_isa(isa);
      set_num_threads(threads);
      Model<Rule, T> model(sizes);
      random.seed(1);
      for (int step = 1; step <= kSteps; ++step) {
        model.draw_gradients(random);
        kernel_step(rule, used, step, model);
      }
      CHECK_MESSAGE(model == expected, std::string(Rule::name) + " on " + isa + " differs from the reference");
    }
}

template <class Rule>
void check_rule(const Rule& rule, unsigned used) {
  // Around a register's lanes, and enough for the threads.
  for (const auto& sizes : {std::vector<std::int64_t>{0, 1, 3, 8, 15, 16, 17, 63, 64, 65, 100}, {70000, 5, 40001}}) {
    check_rule<Rule, float>(rule, used, sizes);
    check_rule<Rule, double>(rule, used, sizes);
  }
}

void check_whole_power() {
  CHECK(whole_power(0.9, 0) == 1);
  CHECK(whole_power(0.5, 10) == 1.0 / 1024);
  CHECK(whole_power(3, 13) == 1594323);
  // A squaring doubles the error so far and rounds once, so that n factors are off by about n / 2 ulp, 2^-53 n.
  CHECK(std::abs(whole_power(0.999, 1000) / std::pow(0.999, 1000) - 1) < 1000 * 1.2e-16);
}

}  // namespace
}  // namespace gradgate

int main() {
  using namespace gradgate;
  check_whole_power();
  for (bool flag : {false, true}) {
    check_rule(Sgd{0.1, 0, 0, flag ? 0.01 : 0, false, flag}, 0);
    check_rule(Sgd{0.1, 0.9, flag ? 0 : 0.1, 0.01, flag, false}, 1);
    check_rule(Adam{1e-3, 0.9, 0.999, 1e-8, flag ? 0.01 : 0, false, false, flag}, 3);
    check_rule(Adam{1e-3, 0.9, 0.999, 1e-8, 0.01, true, flag, false}, flag ? 7 : 3);
    check_rule(Adagrad{1e-2, flag ? 0.1 : 0, 1e-10, flag ? 0.01 : 0, flag}, 1);
    check_rule(RMSprop{1e-2, 0.99, 1e-8, flag ? 0.01 : 0, 0.9, flag, false}, flag ? 7 : 3);
    check_rule(RMSprop{1e-2, 0.99, 1e-8, 0, 0, flag, flag}, flag ? 5 : 1);
  }
  return test_status("optimizer");
}
