// Takes distributions of outputs and gradients as they come by, and norms of parameters.
#include "account/vitals.h"

#include <algorithm>
#include <cmath>

#include "array/copy.h"
#include "graph/engine/creation.h"
#include "graph/elementwise/elementwise.h"
#include "graph/engine/record.h"

namespace gradgate {
namespace {

template <class T>
double share_outside(const Array& t, double low, double high) {
  const T *const x = t.data<T>(), below = static_cast<T>(low), above = static_cast<T>(high);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < t.numel(); ++i) count += (x[i] < below) | (x[i] > above);
  return static_cast<double>(count) / static_cast<double>(t.numel());
}

double share_outside(const Array& t, double low, double high) {
  const Array all = packed(t);
  return visit_floating("saturation", t.dtype(), [&]<class T>() { return share_outside<T>(all, low, high); });
}

}  // namespace

void VitalsWatcher::begin(const std::vector<Tensor>& parameters) {
  vitals_ = {};
  parameters_.clear();
  for (const Tensor& p : parameters) {
    ParameterVitals& seen = vitals_.parameters.emplace_back();
    seen.is_trained = p.requires_grad() && p.numel() > 0;
    const Tensor before = seen.is_trained ? spread_out(p, compared_) : Tensor();
    parameters_.push_back({p, before, p.version(), seen.is_trained ? safe_norm(before) : 0});
    if (seen.is_trained)
      seen.norm = parameters_.back().size * std::sqrt(static_cast<double>(p.numel()) / static_cast<double>(before.numel()));
  }
  layer_ = -1;
  since_ = 0;
  in_forward_ = true;
  start();
}

LayerVitals* VitalsWatcher::add(const Tensor& output) {
  if (output.numel() == 0) return nullptr;
  LayerVitals& row = vitals_.layers.emplace_back();
  row.units = output.ndim() ? output.size(output.ndim() - 1) : 1;
  row.output = distribution(output);
  row.quantiles = quantiles(output);
  if (const Ref<Node> node = output.requires_grad() ? gradient_node(output) : Ref<Node>()) {
    row.gate = node->sequence();
    row.port = output_of(output);
  }
  return &row;
}

void VitalsWatcher::on_gate(const Tensor& output) {
  if (!in_forward_) return;
  const GateKind& kind = node_of(output)->gate().kind();
  static const GateKind kRelu(Relu::info.name), kTanh(Tanh::info.name), kSigmoid(Sigmoid::info.name);
  const bool relu = kind == kRelu, tanh = kind == kTanh;
  if (!relu && !tanh && !(kind == kSigmoid)) return;
  ++since_;
  const auto is_same = [&](const LayerVitals& row) {
    return row.layer < 0 && row.after == layer_ && row.count == since_ && row.activation && *row.activation == kind;
  };
  if (std::any_of(vitals_.layers.begin(), vitals_.layers.end(), is_same)) return;  // after a layer that was called again
  LayerVitals* const row = add(output);
  if (!row) return;
  row->activation = &kind;
  row->after = layer_;
  row->count = since_;
  if (!relu) {
    row->saturated = tanh ? share_outside(output, saturation_.tanh_low, saturation_.tanh_high)
                          : share_outside(output, saturation_.sigmoid_low, saturation_.sigmoid_high);
    return;
  }
  // By its place, since its layer ends later.
  const std::size_t place = vitals_.layers.size() - 1;
  if (silent_.size() <= place) silent_.resize(place + 1);
  Tensor& silent = silent_[place];
  if (!silent.defined() || silent.numel() != row->units) silent = zeros({row->units}, DType::int64);
  row->dead = count_silent(output, silent, dead_after_);
}

void VitalsWatcher::see_layer(int layer, const Tensor& output) {
  if (!in_forward_) return;
  layer_ = layer;
  since_ = 0;
  if (!is_floating(output.dtype())) return;
  std::vector<LayerVitals>& rows = vitals_.layers;
  const bool was_called = std::any_of(rows.begin(), rows.end(), [&](const LayerVitals& row) { return row.layer == layer; });
  const Ref<Node> node = output.requires_grad() ? gradient_node(output) : Ref<Node>();
  // An activation that is a layer of its own.
  if (node && !rows.empty() && rows.back().layer < 0 && rows.back().gate == node->sequence()) {
    if (was_called)
      rows.pop_back();
    else
      rows.back().layer = layer;
    return;
  }
  if (was_called) return;
  if (LayerVitals* const row = add(output)) row->layer = layer;
}

void VitalsWatcher::end_forward(const std::vector<Tensor>& outputs) {
  if (!in_forward_) return;
  in_forward_ = false;
  for (const Tensor& output : outputs) {
    const Ref<Node> node = output.requires_grad() ? gradient_node(output) : Ref<Node>();
    for (LayerVitals& row : vitals_.layers) row.is_output = row.is_output || (node && row.gate == node->sequence());
  }
}

void VitalsWatcher::end() {
  in_forward_ = false;
  stop();
}

void VitalsWatcher::on_upstream(const Node& node, int output, const Tensor& gradient) {
  if (node.is_leaf()) {
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i].tensor.same(node.leaf())) vitals_.parameters[i].gradient = safe_norm(gradient);
    return;
  }
  std::optional<Distribution> seen;
  for (LayerVitals& row : vitals_.layers) {
    if (row.gate != node.sequence() || row.port != static_cast<std::uint32_t>(output)) continue;
    if (!seen) seen = distribution(gradient);
    row.gradient = seen;
  }
}

bool VitalsWatcher::measure_updates() {
  const auto changed = [](const Parameter& p) { return p.tensor.version() != p.version; };
  if (std::none_of(parameters_.begin(), parameters_.end(), changed)) return false;
  GradMode off(false);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& p = parameters_[i];
    if (p.size == 0) continue;
    const Tensor now = spread_out(p.tensor, compared_);
    if (now.shape() == p.before.shape()) vitals_.parameters[i].update = safe_norm(now - p.before) / p.size;
  }
  parameters_.clear();
  return true;
}

}  // namespace gradgate
