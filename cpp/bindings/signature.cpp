// Reads signatures, and looks for the argument that does not fit one.
#include "bindings/signature.h"

#include <algorithm>

#include "bindings/casters.h"

namespace py = pybind11;

namespace gradgate {
namespace {

// The parts of text between separators outside of brackets and quotes.
std::vector<std::string> parts_of(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      --depth;
    } else if (depth == 0 && text.substr(i, separator.size()) == separator) {
      parts.emplace_back();
      i += separator.size() - 1;
      continue;
    }
    parts.back() += c;
  }
  return parts;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
}

// pybind11's names of types in the words of users; those of unions are separated by " | ".
std::string plain(std::string type) {
  static constexpr std::pair<const char*, const char*> kWords[] = {{"typing.SupportsInt | typing.SupportsIndex", "int"},
                                                                   {"typing.SupportsFloat | typing.SupportsIndex", "float"},
                                                                   {"tuple[int, ...]", "Sequence[int]"},
                                                                   {"collections.abc.", ""},
                                                                   {"gradgate._core.", ""},
                                                                   {"gradgate.", ""},
                                                                   {"numpy.ndarray", "NumPy array"}};
  for (const auto& [from, to] : kWords) replace_all(type, from, to);
  return type;
}

constexpr std::string_view kSequence = "Sequence[";

// The type of the elements of "Sequence[...]"; empty for other types.
std::string element_of(const std::string& type) {
  return type.starts_with(kSequence) ? type.substr(kSequence.size(), type.size() - kSequence.size() - 1) : "";
}

// "int, a sequence of ints or None" for "int | Sequence[int] | None".
std::string words_for(const std::string& type) {
  const std::vector<std::string> alternatives = parts_of(type, " | ");
  std::string words;
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    const std::string element = element_of(alternatives[i]);
    const std::string word = element.empty() ? alternatives[i] : cat("a sequence of ", parts_of(element, " | ")[0], "s");
    words += cat(i == 0 ? "" : i + 1 == alternatives.size() ? " or " : ", ", word);
  }
  return words;
}

bool is_operand(py::handle object) {
  static const py::object& generic = *new py::object(py::module_::import("numpy").attr("generic"));
  return is_tensor(object.ptr()) || PyFloat_Check(object.ptr()) || PyLong_Check(object.ptr()) || py::isinstance<py::array>(object) ||
         py::isinstance(object, generic);
}

bool is_beyond_64_bits(py::handle object) {
  if (!PyLong_Check(object.ptr())) return false;
  int overflow = 0;
  PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
  return overflow != 0;
}

bool fits(py::handle object, const std::string& type);

// Whether a value is of one type; true for types that are not known here.
bool fits_one(py::handle object, const std::string& type) {
  const PyNumberMethods* number = Py_TYPE(object.ptr())->tp_as_number;
  DType dtype;
  if (type == "None") return object.is_none();
  if (type == "Tensor") return is_operand(object);
  if (type == "int") return !PyFloat_Check(object.ptr()) && number && (number->nb_index || number->nb_int) && !is_beyond_64_bits(object);
  if (type == "float") return number && (number->nb_float || number->nb_index);
  if (type == "bool") return object.is_none() || (number && number->nb_bool);
  if (type == "str") return PyUnicode_Check(object.ptr());
  if (type == "dtype") return dtype_from(object, dtype);
  if (type == "NumPy array") return py::isinstance<py::array>(object);
  if (type == "Callable") return PyCallable_Check(object.ptr()) != 0;
  if (type == "dict") return PyDict_Check(object.ptr());
  if (type == "list") return PyList_Check(object.ptr());
  if (type == "tuple") return PyTuple_Check(object.ptr());
  if (type == "Generator") return std::string_view(Py_TYPE(object.ptr())->tp_name).ends_with("Generator");
  const std::string element = element_of(type);
  if (element.empty()) return true;
  if (!PySequence_Check(object.ptr()) || PyUnicode_Check(object.ptr()) || (is_tensor(object.ptr()) && element == "int")) return false;
  return each_item(object, [&](const py::object& item) { return fits(item, element); });
}

bool fits(py::handle object, const std::string& type) {
  const std::vector<std::string> alternatives = parts_of(type, " | ");
  return std::any_of(alternatives.begin(), alternatives.end(), [&](const std::string& one) { return fits_one(object, one); });
}

std::string found(py::handle object, const std::string& type) {
  if (is_beyond_64_bits(object)) return "an int beyond 64 bits";
  const bool is_list = PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
  std::string inside;
  for (const std::string& alternative : parts_of(type, " | ")) {
    const std::string element = element_of(alternative);
    if (!is_list || element.empty() || !inside.empty()) continue;
    each_item(object, [&](const py::object& item) {
      if (fits(item, element)) return true;
      inside = cat(" that holds ", is_beyond_64_bits(item) ? "an int beyond 64 bits" : type_name(item));
      return false;
    });
  }
  return type_name(object) + inside;
}

Misfit wrong_type(const Parameter& parameter, py::handle object) {
  return {cat("argument '", parameter.name, "' must be ", words_for(parameter.type), ", got ", found(object, parameter.type)), true};
}

}  // namespace

Signature::Signature(std::string_view text) {
  const std::size_t open = text.find('('), arrow = text.rfind(" -> ");
  const std::size_t close = text.rfind(')', arrow);
  if (open == std::string_view::npos || close == std::string_view::npos || close <= open + 1) return;
  bool keyword_only = false;
  for (const std::string& part : parts_of(text.substr(open + 1, close - open - 1), ", ")) {
    if (part.starts_with("**") || part == "/") continue;
    if (part.starts_with("*")) {
      any_positional = part != "*";
      keyword_only = true;
      continue;
    }
    const std::vector<std::string> halves = parts_of(part, ": "), value = parts_of(halves.back(), " = ");
    if (halves.size() < 2) continue;
    Parameter parameter{halves[0], plain(value[0]), value.size() > 1, keyword_only};
    // A pointer's type does not say that it may be null, but its default does.
    if (parameter.has_default && value.back() == "None" && parameter.type.find("None") == std::string::npos) parameter.type += " | None";
    parameters.push_back(parameter);
  }
}

std::string Signature::form() const {
  std::string text;
  for (const Parameter& p : parameters)
    if (p.name != "self") text += cat(text.empty() ? "" : ", ", p.name, ": ", words_for(p.type));
  if (any_positional) text += text.empty() ? "..." : ", ...";
  return cat("(", text, ")");
}

std::optional<Misfit> misfit(const Signature& signature, const CallArguments& call) {
  const auto& parameters = signature.parameters;
  const auto most = static_cast<std::size_t>(
      std::count_if(parameters.begin(), parameters.end(), [](const Parameter& p) { return !p.keyword_only; }));
  if (call.positional.size() > most && !signature.any_positional) {
    const bool method = !parameters.empty() && parameters[0].name == "self";
    return Misfit{cat("takes at most ", most - method, " positional argument", most - method == 1 ? "" : "s", ", got ",
                      call.positional.size() - method)};
  }
  for (const auto& [name, value] : call.named) {
    const auto same = [&name = name](const Parameter& p) { return p.name == name; };
    const auto found = std::find_if(parameters.begin(), parameters.end(), same);
    if (found == parameters.end()) return Misfit{cat("there is no argument '", name, "'")};
    if (static_cast<std::size_t>(found - parameters.begin()) < call.positional.size() && !found->keyword_only)
      return Misfit{cat("argument '", name, "' is given twice")};
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    py::object value = i < call.positional.size() && !p.keyword_only ? call.positional[i] : py::object();
    for (const auto& [name, given] : call.named)
      if (name == p.name) value = given;
    if (!value && !p.has_default) return Misfit{cat("argument '", p.name, "' is missing")};
    if (value && !fits(value, p.type)) return wrong_type(p, value);
  }
  return std::nullopt;
}

}  // namespace gradgate
