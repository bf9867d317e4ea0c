// Vitals: what a training step shows of its layers and its parameters, measured while it runs.
#pragma once

#include <optional>
#include <vector>

#include "account/distribution.h"
#include "graph/engine/watcher.h"

namespace gradgate {

// The output of a layer, or of an activation that was called between layers.
struct LayerVitals {
  int layer = -1;    // the layer's number, -1 for an activation
  int after = -1;    // of an activation: the layer that ended before it, -1 at the start,
  int count = 0;     // and how many activations had been seen since, itself included
  const GateKind* activation = nullptr;  // of an activation, also of one that a layer consists of
  std::int64_t units = 1;       // the size of the last dimension
  Distribution output;
  std::array<double, kQuantiles.size()> quantiles = {};  // of the output
  std::optional<Distribution> gradient;
  std::optional<double> dead, saturated;  // shares of a ReLU's units, and of a sigmoid's or tanh's elements
  bool is_output = false;                 // the model's
  std::uint64_t gate = 0;                 // the sequence number of the gate that made it, 0 for none
  std::uint32_t port = 0;
};

struct ParameterVitals {
  bool is_trained = false;  // wants a gradient, and is not empty; the others have no numbers
  double norm = 0;
  std::optional<double> gradient, update;  // norms of the gradient, and of the update as a share of the parameter
};

struct StepVitals {
  std::vector<LayerVitals> layers;
  std::vector<ParameterVitals> parameters;
};

// Follows one step after another: forward pass, backward pass, and the optimizer's step.
class VitalsWatcher final : public GraphWatcher {
 public:
  // The outputs between which an element is not saturated.
  struct Saturation {
    double tanh_low, tanh_high, sigmoid_low, sigmoid_high;
  };
  VitalsWatcher(Saturation saturation, std::int64_t dead_after, std::int64_t compared)
      : saturation_(saturation), dead_after_(dead_after), compared_(compared) {}

  // Starts with a step: its forward pass comes, with these parameters.
  void begin(const std::vector<Tensor>& parameters);
  // A layer gave an output.
  void see_layer(int layer, const Tensor& output);
  // The forward pass ended with these outputs.
  void end_forward(const std::vector<Tensor>& outputs);
  // Nothing more is looked at but the parameters.
  void end();
  // Compares the parameters with those of `begin`, once one has changed; tells whether this was so.
  bool measure_updates();

  void on_gate(const Tensor& output) override;
  void on_upstream(const Node& node, int output, const Tensor& gradient) override;

  const StepVitals& vitals() const { return vitals_; }

 private:
  struct Parameter {
    Tensor tensor, before;
    std::uint32_t version;
    double size;  // the norm of `before`
  };

  LayerVitals* add(const Tensor& output);

  Saturation saturation_;
  std::int64_t dead_after_, compared_;
  StepVitals vitals_;
  std::vector<Parameter> parameters_;
  std::vector<Tensor> silent_;  // for each place in a step, for how many examples its ReLU's units were silent
  int layer_ = -1, since_ = 0;
  bool in_forward_ = false;
};

}  // namespace gradgate
