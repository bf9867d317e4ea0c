// Reads recorded graphs back into NumPy expressions.
#include "graph/trace.h"

#include <cstring>
#include <map>

#include "graph/copy.h"

namespace gradgate {
namespace {

thread_local bool trace_runs = false;

using Port = std::pair<const Node*, std::uint32_t>;

// A part that is used twice gets a line of its own when it is longer than this; repeating a shorter one reads better.
constexpr std::size_t kLongestRepeated = 24;

// An expression that gets longer than this names its longest operands on lines of their own, those that are longer than two names and
// an operator.
constexpr std::size_t kLongestExpression = 64;
constexpr std::size_t kNamePlaces = 10;
constexpr std::size_t kShortestNamed = 24;

// The places that an expression takes on a line, with names for its placeholders.
std::size_t places(const std::string& code) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const std::size_t end = code[i] == '{' ? code.find('}', i) : std::string::npos;
    count += end == std::string::npos ? 1 : kNamePlaces;
    if (end != std::string::npos) i = end;
  }
  return count;
}

// NumPy's own type for numbers is float64.
std::string type_argument(DType dtype) { return dtype == DType::float32 ? ", np.float32" : ""; }

// Whether all of at least one elements are one number, bit by bit.
bool is_uniform(const Tensor& contiguous) {
  const auto size = static_cast<std::size_t>(item_size(contiguous.dtype()));
  const std::size_t bytes = size * static_cast<std::size_t>(contiguous.numel());
  return bytes > 0 && std::memcmp(contiguous.bytes(), contiguous.bytes() + size, bytes - size) == 0;
}

class Writer {
 public:
  Writer(const std::vector<Named>& names, std::vector<Tensor>& constants) : constants_(constants) {
    for (const Named& n : names) texts_[{n.node, n.output}] = n.text;
  }

  Written write(const Tensor& value) {
    const Ref<Node> root = value.requires_grad() ? gradient_node(value) : Ref<Node>();
    if (!root) return {{constant(value).code}, 0};
    const Port port{root.get(), value.body()->node ? value.body()->output : 0};
    count(port);
    const Text last = text_of(port);
    written_.lines.push_back(last.code);
    written_.needs |= last.needs;
    return std::move(written_);
  }

 private:
  static Port port_of(const Edge& edge) { return {edge.node.get(), edge.output}; }

  // How often each part is used. Depth first without recursion, as all that follows: a trace may be long.
  void count(Port root) {
    std::vector<Port> stack{root};
    while (!stack.empty()) {
      const Port port = stack.back();
      stack.pop_back();
      if (uses_[port]++ > 0 || texts_.count(port)) continue;
      for (int i = 0; i < port.first->input_count(); ++i)
        if (const Edge& edge = port.first->input(i); edge.node) stack.push_back(port_of(edge));
    }
  }

  const Text& text_of(Port root) {
    std::vector<Port> stack{root};
    while (!stack.empty()) {
      const Port port = stack.back();
      bool ready = true;
      if (!texts_.count(port))
        for (int i = 0; i < port.first->input_count(); ++i)
          if (const Edge& edge = port.first->input(i); edge.node && !texts_.count(port_of(edge))) {
            stack.push_back(port_of(edge));
            ready = false;
          }
      if (!ready) continue;
      stack.pop_back();
      if (!texts_.count(port)) texts_[port] = compose(port);
    }
    return texts_[root];
  }

  Text compose(Port port) {
    Text text = text_over_operands(port);
    while (places(text.code) > kLongestExpression && name_longest_operand(*port.first)) text = text_over_operands(port);
    return uses_[port] < 2 || text.code.size() <= kLongestRepeated ? text : named(text);
  }

  Text text_over_operands(Port port) {
    const Node& node = *port.first;
    std::vector<Text> in;
    for (int i = 0; i < node.input_count(); ++i) {
      const Edge& edge = node.input(i);
      in.push_back(edge.node ? texts_[port_of(edge)] : edge.constant.get().defined() ? constant(edge.constant.get()) : Text());
    }
    const Text text = node.text(in.data());
    if (text.code.empty()) fail<RuntimeError>(node.name(), " cannot be written in NumPy");
    return node.outputs() > 1 ? method_text(text, cat("[", port.second, "]")) : text;
  }

  bool name_longest_operand(const Node& node) {
    Text* longest = nullptr;
    for (int i = 0; i < node.input_count(); ++i)
      if (const Edge& edge = node.input(i); edge.node) {
        Text& operand = texts_[port_of(edge)];
        // By themselves the numbers of a choice would be float64, whatever they are multiplied with.
        if (operand.form == TextForm::choice && (is_number(operand.parts[1]) || is_number(operand.parts[2]))) continue;
        if (places(operand.code) >= (longest ? places(longest->code) + 1 : kShortestNamed)) longest = &operand;
      }
    if (longest) *longest = named(*longest);
    return longest;
  }

  // The name of a line that is added for an expression.
  Text named(const Text& text) {
    Text name(cat("{t", temporaries_++, "}"), Binding::atom);
    written_.lines.push_back(cat(name.code, " = ", text.code));
    written_.needs |= text.needs;
    name.never = text.never;
    name.always = text.always;
    return name;
  }

  Text constant(const Tensor& t) {
    if (t.ndim() == 0) return number_text(t);
    const Tensor values = contiguous(t.alias());
    if (is_uniform(values)) {
      const Text value = number_text(values.alias({}, {}));
      if (value.code == "0" && is_floating(t.dtype())) return zeros_text(t.shape(), t.dtype());
      return Text(cat("np.full(", tuple_text(t.shape()), ", ", value.code, type_argument(t.dtype()), ")"), Binding::atom);
    }
    for (std::size_t i = 0; i < constants_.size(); ++i)
      if (constants_[i].same(t)) return Text(cat("{c", i, "}"), Binding::atom);
    constants_.push_back(t);
    return Text(cat("{c", constants_.size() - 1, "}"), Binding::atom);
  }

  std::vector<Tensor>& constants_;
  std::map<Port, Text> texts_;
  std::map<Port, int> uses_;
  Written written_;
  int temporaries_ = 0;
};

}  // namespace

bool tracing() { return trace_runs; }
Tracing::Tracing() : before_(trace_runs) { trace_runs = true; }
Tracing::~Tracing() { trace_runs = before_; }

void Phrase::backward(Flow&) { fail<RuntimeError>("no gradient flows through a phrase"); }
Tensors Phrase::forward(const Replay&) const { fail<RuntimeError>("a phrase is not run again"); }

Written write_down(const Tensor& value, const std::vector<Named>& names, std::vector<Tensor>& constants) {
  return Writer(names, constants).write(value);
}

const std::vector<PreambleFunction> kPreamble = {
    {kErf,
     "def erf(x):\n"
     "    return np.vectorize(math.erf, otypes=[x.dtype])(x)"},
    {kReplaced,
     "def replaced(x, index, values):\n"
     "    x = np.array(x)\n"
     "    x[index] = values\n"
     "    return x"},
    {kAdded,
     "def added(x, index, values):\n"
     "    x = np.array(x)\n"
     "    np.add.at(x, index, values)  # an index that occurs twice adds twice\n"
     "    return x"},
    {kPlaced,
     "def placed(shape, index, values):\n"
     "    x = np.zeros(shape, np.asarray(values).dtype)\n"
     "    np.add.at(x, index, values)  # an index that occurs twice adds twice\n"
     "    return x"},
    {kProductsOfOthers,
     "def products_of_others(x, axes):\n"
     "    last = tuple(range(-len(axes), 0))\n"
     "    moved = np.moveaxis(x, axes, last)\n"
     "    rows = moved.reshape(*moved.shape[: moved.ndim - len(axes)], -1)\n"
     "    others = [np.delete(rows, i, -1).prod(axis=-1) for i in range(rows.shape[-1])]\n"
     "    return np.moveaxis(np.stack(others, axis=-1).reshape(moved.shape), last, axes)"},
    {kCumprodGradient,
     "def cumprod_gradient(x, dy, axis):\n"
     "    x, dy = np.moveaxis(x, axis, 0), np.moveaxis(dy, axis, 0)\n"
     "    dx, before, s = np.zeros_like(dy), np.cumprod(x, axis=0), 0\n"
     "    for k in reversed(range(len(x))):\n"
     "        s = dy[k] + (x[k + 1] * s if k + 1 < len(x) else 0)\n"
     "        dx[k] = s * (before[k - 1] if k else 1)\n"
     "    return np.moveaxis(dx, 0, axis)"},
};

Text number_text(const Tensor& t) {
  if (t.dtype() == DType::boolean) return Text(*t.data<bool>() ? "True" : "False", Binding::atom);
  if (t.dtype() == DType::float32) return Text(*t.data<float>());
  if (t.dtype() == DType::float64) return Text(*t.data<double>());
  const std::int64_t value = *cast(t.alias(), DType::int64).data<std::int64_t>();
  return formed(TextForm::number, Text(std::to_string(value), value < 0 ? Binding::sign : Binding::atom));
}

std::string tuple_text(const Dims& dims) { return cat(dims); }

Text method_text(const Text& x, const std::string& call) {
  return composed(cat(is_number(x) ? called("np.asarray", x).code : x.beside(Binding::atom), call), Binding::atom, x);
}

Text reshape_text(const Text& x, const Dims& shape) {
  const std::string sizes = tuple_text(shape);
  const Text& before = x.form == TextForm::reshape ? x.parts[0] : x;
  const std::string call = cat(".reshape", shape.size() > 1 ? sizes : shape.empty() ? "(())" : cat("(", shape[0], ")"));
  return formed(TextForm::reshape, method_text(before, call), before);
}

std::string axes_text(const Dims& dims, int ndim, bool keepdims) {
  std::string axes;
  if (dims.size() < ndim) axes = dims.size() == 1 ? cat("axis=", dims[0]) : cat("axis=", dims);
  if (!keepdims) return axes;
  return axes.empty() ? "keepdims=True" : cat(axes, ", keepdims=True");
}

Text reduce_text(const Text& x, const char* function, const Dims& dims, int ndim, bool keepdims) {
  const std::string call = cat(".", function, "(", axes_text(dims, ndim, keepdims && ndim > 0), ")");
  const bool is_linear = std::strcmp(function, "sum") == 0 || std::strcmp(function, "mean") == 0;
  return is_linear && x.form == TextForm::negative ? -method_text(x.parts[0], call) : method_text(x, call);
}

Text zeros_text(const Dims& shape, DType dtype) {
  const Text sizes(shape.size() == 1 ? cat(shape[0]) : tuple_text(shape), Binding::atom);
  return formed(TextForm::zeros, Text(cat("np.zeros(", sizes.code, type_argument(dtype), ")"), Binding::atom), sizes);
}

Text placed_text(const Text& shape, const std::string& index, const Text& values) {
  Text t = composed(cat("placed(", shape.code, ", np.s_[", index, "], ", values.code, ")"), Binding::atom, values);
  t.needs |= kPlaced;
  return t;
}

Text replaced_text(const Text& x, const std::string& index, const Text& values) {
  if (x.form == TextForm::zeros) return placed_text(x.parts[0], index, values);
  Text t = composed(cat("replaced(", x.code, ", np.s_[", index, "], ", values.code, ")"), Binding::atom, x, values);
  t.needs |= kReplaced;
  return t;
}

Text added_text(const Text& x, const std::string& index, const Text& values) {
  if (x.form == TextForm::zeros) return placed_text(x.parts[0], index, values);
  Text t = composed(cat("added(", x.code, ", np.s_[", index, "], ", values.code, ")"), Binding::atom, x, values);
  t.needs |= kAdded;
  return t;
}

}  // namespace gradgate
