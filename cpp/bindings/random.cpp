// Random tensors, and the generators behind them.
#include <array>
#include <cstring>
#include <memory>

#include "bindings/creation.h"
#include "bindings/module.h"
#include "graph/engine/creation.h"
#include "graph/engine/node.h"
#include "graph/engine/record.h"
#include "graph/engine/types.h"
#include "graph/random/random.h"
#include "graph/shapes/conversion.h"

namespace py = pybind11;

namespace gradgate {
namespace {

using GeneratorArgument = std::shared_ptr<Generator>;

const GeneratorArgument& default_generator() {
  static const GeneratorArgument& generator = *new GeneratorArgument(std::make_shared<Generator>(nondeterministic_seed()));
  return generator;
}
Generator& chosen(const GeneratorArgument& generator) { return generator ? *generator : *default_generator(); }

void seed_with(Generator& generator, const py::object& seed) {
  const auto value = py::reinterpret_steal<py::object>(PyNumber_Index(seed.ptr()));
  if (!value) throw py::error_already_set();
  const bool negative = value < py::int_(0);
  const unsigned long long bits =
      negative ? static_cast<unsigned long long>(PyLong_AsLongLong(value.ptr())) : PyLong_AsUnsignedLongLong(value.ptr());
  if (PyErr_Occurred()) {
    PyErr_Clear();
    fail<ValueError>("manual_seed: overflow: the seed must be at least -2**63 and below 2**64, got ", py::str(value).cast<std::string>());
  }
  generator.set({bits, 0});
}

// Seed and position, eight bytes each, the lowest first.
constexpr std::int64_t kStateBytes = 16;

Tensor state_of(const Generator& generator) {
  Tensor state = Tensor::empty({kStateBytes}, DType::uint8);
  const RandomStart start = generator.state();
  for (int i = 0; i < 8; ++i) {
    state.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(start.seed >> 8 * i);
    state.data<std::uint8_t>()[8 + i] = static_cast<std::uint8_t>(start.position >> 8 * i);
  }
  return state;
}

void set_state(Generator& generator, const Tensor& state) {
  if (state.dtype() != DType::uint8 || !(state.shape() == Dims{kStateBytes}))
    fail<TypeError>("set_state: expected a state from get_state(), a uint8 tensor of shape (16,), got ", state.dtype(), " of shape ",
                    state.shape());
  const Tensor bytes = contiguous(state);
  RandomStart start{0, 0};
  for (int i = 0; i < 8; ++i) {
    start.seed |= std::uint64_t{bytes.data<std::uint8_t>()[i]} << 8 * i;
    start.position |= std::uint64_t{bytes.data<std::uint8_t>()[8 + i]} << 8 * i;
  }
  generator.set(start);
}

std::uint64_t reseed(Generator& generator) {
  const std::uint64_t seed = nondeterministic_seed();
  generator.set({seed, 0});
  return seed;
}

constexpr const char* manual_seed_doc =
    "Sets the seed, an int of 64 bits (negative ones wrap), goes to the start of its stream and returns the generator.\n\n"
    "Raises ValueError for a seed that does not fit.";

void define_generator(py::module_& m) {
  py::classh<Generator>(m, "Generator",
                        "A stream of random numbers (Philox4x32-10) that its seed alone defines.\n\n"
                        "Every element drawn takes one position of the stream, whatever its type and distribution.")
      .def(py::init([](const std::string& device) {
             check_device("Generator", device);
             return std::make_shared<Generator>();
           }),
           py::arg("device") = "cpu")
      .def(
          "manual_seed",
          [](const std::shared_ptr<Generator>& g, const py::object& seed) {
            seed_with(*g, seed);
            return g;
          },
          py::arg("seed"), manual_seed_doc)
      .def("initial_seed", [](const Generator& g) { return g.state().seed; }, "The seed.")
      .def("seed", reseed, "Sets a seed that the operating system gives, and returns it.")
      .def("get_state", state_of, "Seed and position, as a uint8 tensor of shape (16,).")
      .def("set_state", set_state, py::arg("new_state"), "Goes to a state from get_state().\n\nRaises TypeError for another tensor.")
      .def_property_readonly("device", [](const Generator&) { return "cpu"; }, "Where the generator works: always 'cpu'.")
      .def("__reduce__", [](const Generator& g) {
        static const py::object& restore = *new py::object(py::module_::import("gradgate._core").attr("_restored_generator"));
        return py::make_tuple(restore, py::make_tuple(g.state().seed, g.state().position));
      });
  m.def(
      "_restored_generator",
      [](std::uint64_t seed, std::uint64_t position) {
        auto generator = std::make_shared<Generator>();
        generator->set({seed, position});
        return generator;
      },
      py::arg("seed"), py::arg("position"));
}

void define_default_generator(py::module_& m) {
  m.attr("default_generator") = default_generator();
  m.def(
      "manual_seed",
      [](const py::object& seed) {
        seed_with(*default_generator(), seed);
        return default_generator();
      },
      py::arg("seed"), manual_seed_doc);
  m.def("initial_seed", [] { return default_generator()->state().seed; }, "The default generator's seed.");
  m.def("seed", [] { return reseed(*default_generator()); }, "Sets a seed that the operating system gives, and returns it.");
  m.def("get_rng_state", [] { return state_of(*default_generator()); }, "The default generator's state, a uint8 tensor of shape (16,).");
  m.def("set_rng_state", [](const Tensor& state) { set_state(*default_generator(), state); }, py::arg("new_state"),
        "Sets the default generator's state.\n\nRaises TypeError for a tensor that is no state.");
  m.def(
      "_philox",
      [](std::uint64_t key, const std::array<std::uint32_t, 4>& counter) {
        std::array<std::uint32_t, 4> out;
        philox_block(key, counter.data(), out.data());
        return out;
      },
      py::arg("key"), py::arg("counter"));
}

template <class Fill>
Tensor filled(const Dims& shape, DType dtype, const Fill& fill) {
  Tensor out = Tensor::empty(shape, dtype);
  fill(out);
  return out;
}

const auto kGenerator = [] { return py::arg("generator") = py::none(); };

// The functions of a size, and those of a tensor of that size, whose elements fill(out, generator) draws.
template <class Fill>
void define_draw(py::module_& m, const char* name, const Fill& fill, const char* elements) {
  const std::string operation = name;
  define_maker(
      m, name,
      [operation, fill](const TypeArgument& dtype, const py::args& args, const std::optional<DimsArgument>& size,
                        const GeneratorArgument& generator) {
        return filled(size_from(operation.c_str(), args, size), dtype.value_or(default_dtype()),
                      [&](const Tensor& out) { fill(out, chosen(generator)); });
      },
      cat("A tensor of this size (ints or one tuple) with ", elements, ".").c_str(), py::arg("size") = py::none(), kGenerator());
  define_maker(
      m, (operation + "_like").c_str(),
      [fill](const TypeArgument& dtype, const Tensor& x, const GeneratorArgument& generator) {
        return filled(x.shape(), dtype.value_or(x.dtype()), [&](const Tensor& out) { fill(out, chosen(generator)); });
      },
      cat("A tensor of input's shape and type with ", elements, ".").c_str(), py::arg("input"), py::kw_only(), kGenerator());
}

Tensor random_integers(const char* operation, const Dims& size, DType dtype, std::int64_t low, std::int64_t high,
                       const GeneratorArgument& generator) {
  if (dtype == DType::uint8 && (low < 0 || high > 256))
    fail<RuntimeError>(operation, ": the range from ", low, " to ", high, " does not fit in ", dtype);
  return filled(size, dtype, [&](const Tensor& out) { fill_integers(operation, out, chosen(generator), low, high); });
}

void define_integers(py::module_& m) {
  constexpr const char* doc =
      "randint(high, size) or randint(low, high, size): integers from low (0) to high - 1, each equally likely, int64 unless dtype is\n"
      "given.\n\nRaises RuntimeError unless low < high.";
  constexpr const char* like_doc = "randint_like(input, high) or randint_like(input, low, high): randint() of input's shape and type.";
  define_maker(
      m, "randint",
      [](const TypeArgument& dtype, std::int64_t high, const DimsArgument& size, const GeneratorArgument& generator) {
        return random_integers("randint", size.value, dtype.value_or(DType::int64), 0, high, generator);
      },
      doc, py::arg("high"), py::arg("size"), py::kw_only(), kGenerator());
  define_maker(
      m, "randint",
      [](const TypeArgument& dtype, std::int64_t low, std::int64_t high, const DimsArgument& size, const GeneratorArgument& generator) {
        return random_integers("randint", size.value, dtype.value_or(DType::int64), low, high, generator);
      },
      doc, py::arg("low"), py::arg("high"), py::arg("size"), py::kw_only(), kGenerator());
  define_maker(
      m, "randint_like",
      [](const TypeArgument& dtype, const Tensor& x, std::int64_t high, const GeneratorArgument& generator) {
        return random_integers("randint_like", x.shape(), dtype.value_or(x.dtype()), 0, high, generator);
      },
      like_doc, py::arg("input"), py::arg("high"), py::kw_only(), kGenerator());
  define_maker(
      m, "randint_like",
      [](const TypeArgument& dtype, const Tensor& x, std::int64_t low, std::int64_t high, const GeneratorArgument& generator) {
        return random_integers("randint_like", x.shape(), dtype.value_or(x.dtype()), low, high, generator);
      },
      like_doc, py::arg("input"), py::arg("low"), py::arg("high"), py::kw_only(), kGenerator());
  define_maker(
      m, "randperm",
      [](const TypeArgument& dtype, std::int64_t n, const GeneratorArgument& generator) {
        return permutation(n, dtype.value_or(DType::int64), chosen(generator));
      },
      "The numbers 0 ... n - 1 in random order, every order equally likely; int64 unless dtype is given.", py::arg("n"), py::kw_only(),
      kGenerator());
}

void define_sampling(py::module_& m) {
  constexpr const char* normal_doc =
      "Normally distributed numbers: for each element of mean and std (tensors or numbers, broadcast), or of a size.\n\n"
      "Off the graph. Raises RuntimeError for a negative std.";
  m.def(
      "normal",
      [](const Tensor& mean, const Tensor& deviation, const GeneratorArgument& generator) {
        return normal(mean, deviation, chosen(generator));
      },
      normal_doc, py::arg("mean"), py::arg("std") = 1.0, py::kw_only(), kGenerator());
  define_maker(
      m, "normal",
      [](const TypeArgument& dtype, double mean, double deviation, const DimsArgument& size, const GeneratorArgument& generator) {
        return filled(size.value, dtype.value_or(default_dtype()),
                      [&](const Tensor& out) { fill_normal("normal", out, chosen(generator), mean, deviation); });
      },
      normal_doc, py::arg("mean"), py::arg("std"), py::arg("size"), py::kw_only(), kGenerator());
  define(
      m, "bernoulli",
      [](const Tensor& x, const std::optional<double>& p, const GeneratorArgument& generator) {
        return filled(x.shape(), x.dtype(), [&](const Tensor& out) {
          if (p)
            fill_bernoulli("bernoulli", out, chosen(generator), *p);
          else
            fill_bernoulli("bernoulli", out, chosen(generator), x);
        });
      },
      "Ones and zeros: each 1 with the probability that input holds there, or p if that is given.\n\n"
      "Raises RuntimeError for probabilities outside [0, 1].",
      py::arg("p") = py::none(), py::kw_only(), kGenerator());
  define(
      m, "multinomial",
      [](const Tensor& x, std::int64_t count, bool replacement, const GeneratorArgument& generator) {
        return multinomial(x, count, replacement, chosen(generator));
      },
      "num_samples indices for each row of input (1-d or 2-d), drawn with probabilities proportional to its weights; int64.\n\n"
      "Raises RuntimeError for negative or infinite weights, and for more samples without replacement than positive weights.",
      py::arg("num_samples"), py::arg("replacement") = false, py::kw_only(), kGenerator());
}

// Writes what fill(out) draws into the target; the elements are drawn in row-major order, whatever the target's memory order.
template <class Fill>
Tensor overwrite(const char* operation, const Tensor& target, const Fill& fill) {
  check_writable(operation, target);
  if (target.is_contiguous() && !(grad_enabled() && (target.requires_grad() || target.body()->base.defined()))) {
    fill(target);
    target.bump_version();
  } else {
    replace(operation, target, filled(target.shape(), target.dtype(), fill));
  }
  return target;
}

// The integers that random_() draws from are 0 to one less than this: all of the type that are not negative, but for the largest of
// int64; for floats those below the first integer that has no value of its own next to it.
std::int64_t integer_limit(DType dtype) {
  return visit(dtype, []<class T>() -> std::int64_t {
    if constexpr (std::is_floating_point_v<T>)
      return std::int64_t{1} << std::numeric_limits<T>::digits;
    else if constexpr (sizeof(T) < sizeof(std::int64_t))
      return std::int64_t{std::numeric_limits<T>::max()} + 1;
    else
      return std::numeric_limits<std::int64_t>::max();
  });
}

void define_overwriting() {
  define_method(
      "uniform_",
      [](const Tensor& x, double from, double to, const GeneratorArgument& g) {
        return overwrite("uniform_", x, [&](const Tensor& out) { fill_uniform("uniform_", out, chosen(g), from, to); });
      },
      "Overwrites with uniform numbers in [from_, to).\n\nRaises RuntimeError unless from_ <= to and the type is floating-point.",
      py::arg("from_") = 0.0, py::arg("to") = 1.0, py::kw_only(), kGenerator());
  define_method(
      "normal_",
      [](const Tensor& x, double mean, double deviation, const GeneratorArgument& g) {
        return overwrite("normal_", x, [&](const Tensor& out) { fill_normal("normal_", out, chosen(g), mean, deviation); });
      },
      "Overwrites with normal numbers.\n\nRaises RuntimeError for a negative std and types that are not floating-point.",
      py::arg("mean") = 0.0, py::arg("std") = 1.0, py::kw_only(), kGenerator());
  define_method(
      "exponential_",
      [](const Tensor& x, double lambda, const GeneratorArgument& g) {
        return overwrite("exponential_", x, [&](const Tensor& out) { fill_exponential("exponential_", out, chosen(g), lambda); });
      },
      "Overwrites with numbers of the density lambd exp(-lambd x).\n\nRaises RuntimeError unless lambd > 0.", py::arg("lambd") = 1.0,
      py::kw_only(), kGenerator());
  define_method(
      "bernoulli_",
      [](const Tensor& x, double p, const GeneratorArgument& g) {
        return overwrite("bernoulli_", x, [&](const Tensor& out) { fill_bernoulli("bernoulli_", out, chosen(g), p); });
      },
      "Overwrites with ones (with probability p, a number or a tensor of probabilities) and zeros.\n\n"
      "Raises RuntimeError for probabilities outside [0, 1].",
      py::arg("p") = 0.5, py::kw_only(), kGenerator());
  define_method(
      "bernoulli_",
      [](const Tensor& x, const Tensor& p, const GeneratorArgument& g) {
        if (!broadcasts_to(p.shape(), x.shape()))
          fail<RuntimeError>("bernoulli_: the probabilities of shape ", p.shape(), " do not broadcast to the tensor of shape ", x.shape());
        return overwrite("bernoulli_", x, [&](const Tensor& out) { fill_bernoulli("bernoulli_", out, chosen(g), p); });
      },
      "Overwrites with ones, each with the probability that p holds there, and zeros.", py::arg("p"), py::kw_only(), kGenerator());
  define_method(
      "random_",
      [](const Tensor& x, const std::optional<std::int64_t>& from, const std::optional<std::int64_t>& to, const GeneratorArgument& g) {
        const std::int64_t low = to ? from.value_or(0) : 0;
        const std::int64_t high = to ? *to : from ? *from : integer_limit(x.dtype());
        return overwrite("random_", x, [&](const Tensor& out) { fill_integers("random_", out, chosen(g), low, high); });
      },
      "random_(), random_(to) or random_(from_, to): overwrites with integers from from_ (0) to to - 1, without it to the largest of\n"
      "the type (for int64 the largest but one, for floats below 2^24 and 2^53).\n\nRaises RuntimeError unless from_ < to.",
      py::arg("from_") = py::none(), py::arg("to") = py::none(), py::kw_only(), kGenerator());
}

}  // namespace

void define_random(py::module_& m) {
  define_generator(m);
  define_default_generator(m);
  define_draw(m, "rand", [](const Tensor& out, Generator& g) { fill_uniform("rand", out, g, 0, 1); }, "uniform numbers in [0, 1)");
  define_draw(m, "randn", [](const Tensor& out, Generator& g) { fill_normal("randn", out, g, 0, 1); },
              "normal numbers of mean 0 and standard deviation 1");
  define_integers(m);
  define_sampling(m);
  define_overwriting();
}

}  // namespace gradgate
