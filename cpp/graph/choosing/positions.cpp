// The gates of taking, placing and putting.
#include "graph/choosing/positions.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "array/copy.h"
#include "graph/elementwise/compare.h"
#include "graph/engine/creation.h"
#include "graph/engine/record.h"
#include "graph/engine/texts.h"
#include "graph/shapes/broadcast.h"
#include "graph/shapes/conversion.h"

namespace gradgate {

const GateKind kIndex("index"), kPlace("place");

namespace {

const GateKind kIndexPut("index_put");

// A gate whose inputs from `first` on are index tensors. They are the user's own: it is noticed when they change before backward.
class PositionsGate : public Gate {
 public:
  PositionsGate(const Indexing& how, int first, const GateKind& kind) : how_(how), first_(first), kind_(kind) {}
  const GateKind& kind() const override { return kind_; }
  Saved saves(unsigned) const override { return {((1u << how_.dims.size()) - 1) << first_, 0}; }

 protected:
  Positions positions(const Inputs& in) const {
    Positions at{how_, {}};
    for (std::size_t i = 0; i < how_.dims.size(); ++i) at.index.push_back(in[first_ + static_cast<int>(i)]);
    return at;
  }
  IndexTensors saved_positions(const BackwardContext& c) const {
    IndexTensors at{how_, {}};
    for (std::size_t i = 0; i < how_.dims.size(); ++i) at.index.push_back(c.input(first_ + static_cast<int>(i)));
    return at;
  }

  // As an index in NumPy, ":, {1}".
  std::string index_text(const InputTexts& in) const {
    std::string terms;
    if (how_.others_are_ranges) {
      const Dims& shape = in.shape(first_);
      for (int i = 0; i < std::max(shape.size(), 1); ++i)
        terms += cat(i ? ", " : "", i == how_.dims[0].dim ? in[first_].code : range_text(shape, i).code);
      return terms;
    }
    int dim = 0;
    for (std::size_t i = 0; i < how_.dims.size(); ++i, ++dim) {
      for (; dim < how_.dims[i].dim; ++dim) terms += ":, ";
      terms += cat(in[first_ + static_cast<int>(i)].code, ", ");
    }
    terms.resize(terms.size() - 2);
    return terms;
  }
  // NumPy does not index 0-d arrays by others.
  static Text with_a_dim(const InputTexts& in) { return in.ndim() ? in[0] : reshape_text(in[0], {1}); }
  static Text without(const Text& text, const Dims& shape) { return shape.empty() ? reshape_text(text, {}) : text; }

  Indexing how_;
  int first_;

 private:
  static Text range_text(const Dims& shape, int dim) {
    Dims along = Dims::filled(shape.size(), 1);
    along[dim] = shape[dim];
    return reshape_text(called("np.arange", Text(std::to_string(shape[dim]), Binding::atom)), along);
  }

  const GateKind& kind_;
};

class Take final : public PositionsGate {
 public:
  Take(const Indexing& how, const GateKind& kind, const GateKind& adjoint) : PositionsGate(how, 1, kind), adjoint_(adjoint) {}
  void infer(const Inputs& in, Plan& plan) const override {
    plan.push_back({{positions(in).selection(in[0].shape()), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override { gather_elements(in[0], positions(in), out[0]); }
  void rule(BackwardContext& c) const override {
    c.downstream(0, place(c.upstream(), c.input_shape(0), saved_positions(c), adjoint_, kind()));
  }
  Text text(const InputTexts& in) const override {
    if (takes_along_axis(in)) return called("np.take_along_axis", in[0], in[1], Text(cat("axis=", how_.dims[0].dim), Binding::atom));
    return method_text(with_a_dim(in), cat("[", index_text(in), "]"));
  }

 private:
  bool takes_along_axis(const InputTexts& in) const {
    if (!how_.others_are_ranges || in.ndim() < 2 || in.ndim(1) != in.ndim()) return false;
    Dims shape = in.shape();
    shape[how_.dims[0].dim] = in.shape(1)[how_.dims[0].dim];
    return shape == in.shape(1);
  }

  const GateKind& adjoint_;
};

class Place final : public PositionsGate {
 public:
  Place(const Indexing& how, const Dims& shape, const GateKind& kind, const GateKind& adjoint)
      : PositionsGate(how, 1, kind), shape_(shape), adjoint_(adjoint) {}
  void infer(const Inputs& in, Plan& plan) const override { plan.push_back({{shape_, in[0].dtype()}}); }
  void run(const Inputs& in, const Outputs& out) const override {
    std::memset(out[0].bytes(), 0, static_cast<std::size_t>(out[0].numel() * item_size(out[0].dtype())));
    scatter_elements(out[0], positions(in), in[0], true);
  }
  void rule(BackwardContext& c) const override { c.downstream(0, take(c.upstream(), saved_positions(c), adjoint_, kind())); }
  Text text(const InputTexts& in) const override {
    return without(added_text(zeros_text(shape_.empty() ? Dims{1} : shape_), index_text(in), in[0]), shape_);
  }

 private:
  Dims shape_;
  const GateKind& adjoint_;
};

class PutAt final : public PositionsGate {
 public:
  PutAt(const Indexing& how, const Put& put) : PositionsGate(how, 2, put.kind), operation_(put.operation), accumulate_(put.accumulate) {}
  void infer(const Inputs& in, Plan& plan) const override {
    const Dims shape = positions(in).selection(in[0].shape());
    if (!broadcasts_to(in[1].shape(), shape))
      fail<RuntimeError>(operation_, ": shape mismatch: value of shape ", in[1].shape(),
                         " cannot be broadcast to indexing result of shape ", shape);
    plan.push_back({{in[0].shape(), in[0].dtype()}});
  }
  void run(const Inputs& in, const Outputs& out) const override {
    copy_elements(out[0], in[0]);
    write(in, out[0]);
  }
  // Writes the values to a tensor that has x's elements.
  void write(const Inputs& in, const Array& to) const { scatter_elements(to, positions(in), in[1], accumulate_); }

  void rule(BackwardContext& c) const override {
    const Tensor& dy = c.upstream();
    const IndexTensors at = saved_positions(c);
    const Tensor zero = zeros({}, dy.dtype());
    if (c.needs(1)) {
      Tensor dvalues = take(dy, at);
      if (!accumulate_) {
        const Positions places{at.how, {at.index.begin(), at.index.end()}};
        if (const auto lasting = lasting_values(places, dy.shape())) dvalues = where(Tensor(*lasting), dvalues, zero);
      }
      c.downstream(1, sum_to(dvalues, c.input_shape(1)));
    }
    if (c.needs(0)) c.downstream(0, accumulate_ ? dy : put(dy, {at, zero, {"index_put", kIndexPut, false}}));
  }
  Text text(const InputTexts& in) const override {
    const Text whole = with_a_dim(in);
    return without(accumulate_ ? added_text(whole, index_text(in), in[1]) : replaced_text(whole, index_text(in), in[1]), in.shape());
  }

 private:
  const char* operation_;
  bool accumulate_;
};

template <class... T>
Tensors inputs_of(const IndexTensors& at, const T&... operands) {
  Tensors inputs{operands...};
  inputs.insert(inputs.end(), at.index.begin(), at.index.end());
  return inputs;
}

template <class G>
Tensor result_of(const G& gate, const Tensors& inputs) {
  Results results;
  evaluate(gate, {inputs.data(), static_cast<int>(inputs.size())}, results);
  return std::move(results[0]);
}

Tensor fitting_values(const Tensor& target, const Assignment& a) {
  if (a.values.dtype() != target.dtype() && !a.values.is_number())
    fail<RuntimeError>(a.how.operation, ": the values are ", a.values.dtype(), " and the tensor is ", target.dtype(),
                       "; convert one of them");
  return cast(a.values, target.dtype());
}

}  // namespace

Dims IndexTensors::selection(const Dims& shape) const { return Positions{how, {index.begin(), index.end()}}.selection(shape); }

IndexTensors slices_at(int dim, const Tensor& index, bool from_end) { return {{{{dim, dim}}, from_end, false}, {index}}; }
IndexTensors elements_at(int dim, const Tensor& index, bool from_end) { return {{{{dim, dim}}, from_end, true}, {index}}; }

Tensor take(const Tensor& x, const IndexTensors& at, const GateKind& kind, const GateKind& adjoint) {
  return result_of(Take(at.how, kind, adjoint), inputs_of(at, x));
}

Tensor place(const Tensor& values, const Dims& shape, const IndexTensors& at, const GateKind& kind, const GateKind& adjoint) {
  return result_of(Place(at.how, shape, kind, adjoint), inputs_of(at, values));
}

Tensor put(const Tensor& x, const Assignment& a) { return result_of(PutAt(a.at.how, a.how), inputs_of(a.at, x, fitting_values(x, a))); }

void put_into(const Tensor& target, const Assignment& a) {
  check_writable(a.how.operation, target);
  const PutAt gate(a.at.how, a.how);
  Tensors inputs = inputs_of(a.at, target, fitting_values(target, a));
  const Inputs in{inputs.data(), static_cast<int>(inputs.size())};
  Plan checked;
  gate.infer(in, checked);
  const bool is_recorded = records_any(in);
  if (is_recorded) inputs[0] = before_change(target);
  // Added to once more, a constant that was already added to would give another value.
  if (is_recorded && a.how.accumulate && !inputs[0].requires_grad()) inputs[0] = Tensor(copied(target));
  gate.write(in, target);
  Results results;
  results.push_back(target.alias());
  if (is_recorded) record(shared(gate), in, results);
  overwrite(a.how.operation, target, results[0]);
}

}  // namespace gradgate
