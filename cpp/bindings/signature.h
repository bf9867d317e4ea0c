// Compares arguments with the signatures that pybind11 writes, and says in plain words what does not fit.
#pragma once

#include <pybind11/pybind11.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradgate {

// What a function was called with.
struct CallArguments {
  std::vector<pybind11::object> positional;
  std::vector<std::pair<std::string, pybind11::object>> named;
};

struct Parameter {
  std::string name, type;
  bool has_default = false;
  bool keyword_only = false;
};

// One form of a function, read from text such as "(input: gradgate.Tensor, dim: int | None = None) -> gradgate.Tensor".
struct Signature {
  std::vector<Parameter> parameters;
  bool any_positional = false;  // *args

  explicit Signature(std::string_view text);

  // "(input, dim=None)": what users write.
  std::string form() const;
};

// Why a call does not fit: a sentence about one argument, and whether it is its type that is wrong. Empty when no reason is seen.
struct Misfit {
  std::string sentence;
  bool of_type = false;
};
std::optional<Misfit> misfit(const Signature& signature, const CallArguments& call);

}  // namespace gradgate
