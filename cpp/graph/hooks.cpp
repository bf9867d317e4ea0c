// Running and keeping hooks on gradients.
#include "graph/hooks.h"

#include "graph/formula.h"
#include "graph/node.h"

namespace gradgate {

HookList::~HookList() {
  for (const Retained& r : retained_) r.body->record->retained_in = nullptr;
}

std::uint64_t HookList::add(std::uint32_t output, GradientHook hook) {
  static std::uint64_t last_key = 0;
  entries_.push_back({++last_key, output, std::move(hook)});
  return last_key;
}

void HookList::remove(std::uint64_t key) {
  std::erase_if(entries_, [&](const Entry& e) { return e.key == key; });
}

void HookList::retain(std::uint32_t output, TensorBody* body) { retained_.push_back({output, body}); }

void HookList::forget(TensorBody* body) {
  std::erase_if(retained_, [&](const Retained& r) { return r.body == body; });
}

void HookList::run(const char* gate, std::uint32_t output, Tensor& gradient) {
  // A hook may add or remove hooks; those of this moment are run.
  const std::vector<Entry> entries = entries_;
  for (const Entry& e : entries) {
    if (e.output != output) continue;
    Tensor replaced = e.hook(gradient);
    if (!replaced.defined()) continue;
    if (!(replaced.shape() == gradient.shape()))
      fail<RuntimeError>("register_hook: a hook on the output of ", gate, " returned a gradient of shape ", replaced.shape(),
                         " for a tensor of shape ", gradient.shape());
    if (replaced.dtype() != gradient.dtype())
      fail<RuntimeError>("register_hook: a hook on the output of ", gate, " returned a gradient of ", replaced.dtype(), " for a tensor of ",
                         gradient.dtype(), "; convert it with .to()");
    gradient = std::move(replaced);
  }
  for (const Retained& r : retained_)
    if (r.output == output) {
      Tensor& grad = r.body->record->grad;
      grad = grad.defined() ? grad + gradient : gradient;
    }
}

HookList& hooks_of(const Tensor& t) {
  const Ref<Node> node = gradient_node(t);
  if (!node) fail<RuntimeError>("cannot register a hook on a tensor that doesn't require gradient");
  return node->make_hooks();
}

}  // namespace gradgate
