// From positions to offsets in memory, and the nodes of taking, placing and putting.
#include "graph/gather.h"

#include <atomic>

#include "graph/compare.h"
#include "graph/copy.h"
#include "graph/creation.h"
#include "graph/elementwise.h"
#include "graph/node.h"
#include "graph/saved_tensor.h"
#include "graph/trace.h"
#include "graph/view.h"
#include "graph/view_history.h"
#include "kernels/gather.h"

namespace gradgate {
namespace {

Dims index_shape(const Positions& at) {
  Dims shape;
  for (const IndexedDim& d : at.dims) {
    try {
      shape = broadcast_shapes("index", shape, d.index.shape());
    } catch (const RuntimeError&) {
      std::string shapes;
      for (const IndexedDim& each : at.dims) shapes += cat(shapes.empty() ? "" : ", ", each.index.shape());
      fail<IndexError>("shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes);
    }
  }
  return shape;
}

bool are_neighbours(const Positions& at) { return at.dims.back().dim - at.dims.front().dim + 1 == static_cast<int>(at.dims.size()); }

bool is_indexed(const Positions& at, int dim) {
  for (const IndexedDim& d : at.dims)
    if (d.dim == dim) return true;
  return false;
}

template <class F>
void visit_index(DType dtype, F&& f) {
  if (dtype == DType::int32) return f.template operator()<std::int32_t>();
  if (dtype == DType::int64) return f.template operator()<std::int64_t>();
  fail<IndexError>("tensors used as indices must be int64, int32 or bool tensors, got ", dtype);
}

[[noreturn]] void fail_out_of_range(const IndexedDim& d, std::int64_t low, std::int64_t size) {
  const Tensor index = cast(contiguous(d.index), DType::int64);
  for (std::int64_t i = 0; i < index.numel(); ++i)
    if (const std::int64_t value = index.data<std::int64_t>()[i]; value < low || value >= size)
      fail<IndexError>("index ", value, " is out of bounds for dimension ", d.named, " with size ", size);
  fail<RuntimeError>("an index tensor was changed while it was read");
}

// offset += stride * position, for every position.
template <class T>
void add_offsets(const Tensor& offsets, const IndexedDim& d, std::int64_t low, std::int64_t size, std::int64_t stride) {
  std::atomic<bool> out_of_range = false;
  elementwise<std::int64_t, std::int64_t, T>(
      offsets.shape(),
      [&](std::int64_t n, std::int64_t* out, const std::int64_t* sum, const T* index) {
        bool bad = false;
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t position = index[i];
          bad |= position < low || position >= size;
          out[i] = sum[i] + (position < 0 ? position + size : position) * stride;
        }
        if (bad) out_of_range.store(true, std::memory_order_relaxed);
      },
      {offsets.data<std::int64_t>(), offsets.strides()}, operand<const std::int64_t>(offsets, offsets.shape()),
      operand<const T>(d.index, offsets.shape()));
  if (out_of_range.load()) fail_out_of_range(d, low, size);
}

// The offset of each position in a tensor of this shape and these strides. Throws IndexError.
Tensor offsets_of(const Positions& at, const Dims& shape, const Dims& strides) {
  Tensor offsets = zeros(index_shape(at), DType::int64);
  for (const IndexedDim& d : at.dims) {
    const std::int64_t size = shape[d.dim];
    visit_index(d.index.dtype(), [&]<class T>() { add_offsets<T>(offsets, d, at.from_end ? -size : 0, size, strides[d.dim]); });
  }
  return offsets;
}

// The selected elements as the blocks of a kernel.
Blocks blocks_of(const Positions& at, const Dims& shape, const Dims& strides, const Tensor& offsets) {
  Blocks blocks{offsets.data<std::int64_t>(), offsets.numel(), {}, {}, {}, {}};
  const bool neighbours = are_neighbours(at);
  for (int i = 0; i < shape.size(); ++i) {
    if (is_indexed(at, i)) continue;
    const bool outer = neighbours && i < at.dims.front().dim;
    (outer ? blocks.outer_shape : blocks.inner_shape).push_back(shape[i]);
    (outer ? blocks.outer_strides : blocks.inner_strides).push_back(strides[i]);
  }
  return blocks;
}

// The values row-major in the shape of the selection, in memory that is not the target's.
Tensor compact_values(const Tensor& values, const Dims& shape, const Tensor& target) {
  if (values.shape() == shape && values.is_contiguous() && values.dtype() == target.dtype() && !may_overlap(values, target)) return values;
  Tensor compact = Tensor::empty(shape, target.dtype());
  copy_elements(compact, values);
  return compact;
}

// Writes the values, broadcast to the selection, to the target's elements; nothing is recorded.
void write(const Tensor& target, const Positions& at, const Tensor& offsets, const Tensor& values, bool accumulate) {
  const Blocks blocks = blocks_of(at, target.shape(), target.strides(), offsets);
  visit(target.dtype(), [&]<class T>() {
    if (values.numel() == 1 && !accumulate) {
      fill_blocks(blocks, target.data<T>(), *cast(values.alias(), target.dtype()).data<T>());
      return;
    }
    const Tensor compact = compact_values(values, at.selection(target.shape()), target);
    (accumulate ? scatter_add_blocks<T> : scatter_blocks<T>)(blocks, target.data<T>(), compact.data<T>());
  });
}

void check_values(const Put& how, const Positions& at, const Tensor& target, const Tensor& values) {
  const Dims shape = at.selection(target.shape());
  if (!broadcasts_to(values.shape(), shape))
    fail<RuntimeError>(how.operation, ": shape mismatch: value of shape ", values.shape(),
                       " cannot be broadcast to indexing result of shape ", shape);
  if (values.dtype() != target.dtype() && !values.is_number())
    fail<RuntimeError>(how.operation, ": the values are ", values.dtype(), " and the tensor is ", target.dtype(), "; convert one of them");
}

// Index tensors that a gate keeps: the user's own, so that a change before backward must be noticed.
class SavedPositions {
 public:
  explicit SavedPositions(const Positions& at) : at_(at) {
    for (IndexedDim& d : at_.dims) {
      if (d.counts) continue;
      saved_.push_back(SavedTensor::input(d.index));
      d.index = Tensor();
    }
  }
  Positions unpack(Node& gate) const {
    return filled([&](std::size_t i) { return saved_[i].unpack(gate); });
  }
  // Those in the gate's inputs, in which they stand from `first` on.
  Positions given(const Replay& in, int first) const {
    return filled([&](std::size_t i) { return in[first + static_cast<int>(i)]; });
  }
  // As an index in NumPy, ":, {1}".
  std::string text(const Text* in, int first) const {
    std::string terms;
    int dim = 0;
    for (const IndexedDim& d : at_.dims) {
      for (; dim < d.dim; ++dim) terms += ":, ";
      terms += cat((d.counts ? counting_text(d.index.shape()) : in[first++]).code, ", ");
      ++dim;
    }
    terms.resize(terms.size() - 2);
    return terms;
  }
  void reset() { saved_.clear(); }

 private:
  static Text counting_text(const Dims& shape) {
    const Text counts = called("np.arange", Text(std::to_string(shape.product()), Binding::atom));
    return shape.size() == 1 ? counts : reshape_text(counts, shape);
  }
  template <class Index>
  Positions filled(const Index& index) const {
    Positions at = at_;
    std::size_t i = 0;
    for (IndexedDim& d : at.dims)
      if (!d.counts) d.index = index(i++);
    return at;
  }

  Positions at_;
  std::vector<SavedTensor> saved_;
};

// The node of a gate on `inputs` and on the positions, which are inputs, too.
template <class N, class... Inputs>
Tensor record_at(Tensor output, N* node, const Positions& at, const Inputs&... inputs) {
  output = record(std::move(output), node, inputs...);
  for (const IndexedDim& d : at.dims)
    if (!d.counts) node->add_input(d.index);
  return output;
}

class Take final : public Node {
 public:
  Take(const Dims& shape, const Positions& at, const char* name) : shape_(shape), at_(at), name_(name) {}
  const char* name() const override { return name_; }
  void backward(Flow& flow) override { flow.downstream(0, place(flow.upstream(), shape_, at_.unpack(*this))); }
  Tensors forward(const Replay& in) const override { return {take(in[0], at_.given(in, 1), name_)}; }
  Text text(const Text* in) const override { return method_text(in[0], cat("[", at_.text(in, 1), "]")); }

 private:
  void release() override { at_.reset(); }
  Dims shape_;
  SavedPositions at_;
  const char* name_;
};

class Place final : public Node {
 public:
  Place(const Dims& shape, const Positions& at, const char* name) : shape_(shape), at_(at), name_(name) {}
  const char* name() const override { return name_; }
  void backward(Flow& flow) override { flow.downstream(0, take(flow.upstream(), at_.unpack(*this))); }
  Tensors forward(const Replay& in) const override { return {place(in[0], shape_, at_.given(in, 1), name_)}; }
  Text text(const Text* in) const override {
    return added_text(zeros_text(shape_), at_.text(in, 1), in[0]);
  }

 private:
  void release() override { at_.reset(); }
  Dims shape_;
  SavedPositions at_;
  const char* name_;
};

// True for each value that stays when values for one element replace each other; undefined when all do.
Tensor lasting_values(const Positions& at, const Dims& shape) {
  Dims strides = shape;
  std::int64_t cells = 1;
  for (const IndexedDim& d : at.dims) {
    strides[d.dim] = cells;
    cells *= shape[d.dim];
  }
  const Tensor cell = offsets_of(at, shape, strides);
  const std::int64_t* cell_of = cell.data<std::int64_t>();
  std::vector<std::int64_t> last(static_cast<std::size_t>(cells), -1);
  for (std::int64_t i = 0; i < cell.numel(); ++i) last[static_cast<std::size_t>(cell_of[i])] = i;
  Tensor lasts = Tensor::empty(cell.shape(), DType::boolean);
  bool all = true;
  for (std::int64_t i = 0; i < cell.numel(); ++i) {
    lasts.data<bool>()[i] = last[static_cast<std::size_t>(cell_of[i])] == i;
    all = all && lasts.data<bool>()[i];
  }
  if (all) return {};
  Dims aligned = cell.shape();
  if (are_neighbours(at))
    for (int i = at.dims.back().dim + 1; i < shape.size(); ++i) aligned.push_back(1);
  else
    for (int i = static_cast<int>(at.dims.size()); i < shape.size(); ++i) aligned.push_back(1);
  return lasts.alias(aligned, contiguous_strides(aligned));
}

class PutNode final : public Node {
 public:
  PutNode(const Tensor& x, const Positions& at, const Tensor& values, const Put& how)
      : shape_(x.shape()), values_(values.shape()), at_(at), how_(how) {}
  const char* name() const override { return how_.gate; }

  void backward(Flow& flow) override {
    const Tensor& dy = flow.upstream();
    const Positions at = at_.unpack(*this);
    if (flow.needs(1)) {
      Tensor dvalues = take(dy, at);
      const Tensor zero = zeros({}, dy.dtype());
      if (const Tensor lasting = how_.accumulate ? Tensor() : lasting_values(at, shape_); lasting.defined())
        dvalues = where(lasting, dvalues, zero);
      flow.downstream(1, sum_to(dvalues, values_));
    }
    if (flow.needs(0))
      flow.downstream(0, how_.accumulate ? dy : put(dy, at, zeros({}, dy.dtype()), {"index_put", "IndexPutBackward", false}));
  }
  Tensors forward(const Replay& in) const override { return {put(in[0], at_.given(in, 2), in[1], how_)}; }
  Text text(const Text* in) const override {
    return how_.accumulate ? added_text(in[0], at_.text(in, 2), in[1]) : replaced_text(in[0], at_.text(in, 2), in[1]);
  }

 private:
  void release() override { at_.reset(); }
  Dims shape_, values_;
  SavedPositions at_;
  Put how_;
};

}  // namespace

Dims Positions::selection(const Dims& shape) const {
  Dims selected;
  const bool neighbours = are_neighbours(*this);
  bool pending = true;
  const auto add_index_shape = [&] {
    if (!std::exchange(pending, false)) return;
    for (std::int64_t size : index_shape(*this)) selected.push_back(size);
  };
  if (!neighbours) add_index_shape();
  for (int i = 0; i < shape.size(); ++i) {
    if (is_indexed(*this, i))
      add_index_shape();
    else
      selected.push_back(shape[i]);
  }
  return selected;
}

Tensor take(const Tensor& x, const Positions& at, const char* gate) {
  const Tensor offsets = offsets_of(at, x.shape(), x.strides());
  Tensor out = Tensor::empty(at.selection(x.shape()), x.dtype());
  visit(x.dtype(), [&]<class T>() { gather_blocks(blocks_of(at, x.shape(), x.strides(), offsets), x.data<T>(), out.data<T>()); });
  return records(x) ? record_at(std::move(out), new Take(x.shape(), at, gate), at, x) : out;
}

Tensor place(const Tensor& values, const Dims& shape, const Positions& at, const char* gate) {
  Tensor out = zeros(shape, values.dtype());
  write(out, at, offsets_of(at, shape, out.strides()), values, true);
  return records(values) ? record_at(std::move(out), new Place(shape, at, gate), at, values) : out;
}

Tensor put(const Tensor& x, const Positions& at, const Tensor& values, const Put& how) {
  check_values(how, at, x, values);
  const Tensor v = cast(values, x.dtype());
  const Tensor offsets = offsets_of(at, x.shape(), contiguous_strides(x.shape()));
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  copy_elements(out, x);
  write(out, at, offsets, v, how.accumulate);
  return records(x, v) ? record_at(std::move(out), new PutNode(x, at, v, how), at, x, v) : out;
}

void put_into(const Tensor& target, const Positions& at, const Tensor& values, const Put& how) {
  check_writable(how.operation, target);
  check_values(how, at, target, values);
  const Tensor v = cast(values, target.dtype());
  const Tensor offsets = offsets_of(at, target.shape(), target.strides());
  Tensor result = target.alias();
  if (records(target, v)) result = record_at(std::move(result), new PutNode(target, at, v, how), at, before_change(target), v);
  write(target, at, offsets, v, how.accumulate);
  replace(how.operation, target, result);
}

}  // namespace gradgate
