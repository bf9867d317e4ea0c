// Reads recorded graphs back into NumPy expressions.
#include "account/trace.h"

#include <cstring>
#include <map>

#include "array/copy.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"

namespace gradgate {
namespace {

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

// Whether all of at least one elements are one number, bit by bit.
bool is_uniform(const Array& contiguous) {
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
    const Port port{root.get(), output_of(value)};
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
    std::vector<Form> forms;
    for (int i = 0; i < node.input_count(); ++i) {
      const Edge& edge = node.input(i);
      in.push_back(edge.node ? texts_[port_of(edge)] : edge.constant.get().defined() ? constant(edge.constant.get()) : Text());
      forms.push_back(node.input_form(i));
    }
    const Text text = node.is_leaf() ? Text() : node.gate().text({in.data(), forms.data(), node.input_count()});
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
    const Array values = packed(t);
    if (is_uniform(values)) {
      const Text value = number_text(Tensor(values.viewed({}, {})));
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

}  // namespace gradgate
