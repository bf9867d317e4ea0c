// Runs the limits on gradients.
#include "account/training/clip.h"

#include <cmath>

#include "base/float_environment.h"
#include "base/host.h"
#include "base/thread_pool.h"
#include "array/copy.h"
#include "array/elementwise.h"
#include "gates/unary.h"
#include "graph/engine/creation.h"
#include "gates/binary.h"
#include "graph/engine/types.h"
#include "graph/shapes/join.h"
#include "graph/engine/node.h"
#include "graph/reduce/norm.h"
#include "graph/engine/record.h"
#include "kernels/dispatch.h"

namespace gradgate {
namespace {

double number_in(const Tensor& t) {
  return visit_floating("clip_grad_norm_", t.dtype(), [&]<class T>() { return static_cast<double>(*t.data<T>()); });
}

// In the norm's own type, as the tensors' division would be.
double factor_of(double max_norm, const Tensor& total) {
  const FloatEnvironment environment;
  return visit_floating("clip_grad_norm_", total.dtype(), [&]<class T>() {
    return static_cast<double>(static_cast<T>(max_norm) / (*total.data<T>() + static_cast<T>(1e-6)));
  });
}

// x *= factor. Dense memory is one row to the kernel that scales rows, which holds the factor in a register.
void scale(const Tensor& x, double factor) {
  if (!is_dense(x)) return run_binary(BinaryGates::index<Mul>(), x, x, full({}, factor, x.dtype()));
  const FloatEnvironment environment;
  const LongWork work(x.numel());
  visit_floating("clip_grad_norm_", x.dtype(), [&]<class T>() {
    const T by = static_cast<T>(factor);
    const auto kernel = kernels().of<T>().softmax.scale_rows;
    T* const values = x.data<T>();
    parallel_for(x.numel(), kElementwiseGrain,
                 [&](std::int64_t begin, std::int64_t end) { kernel(1, end - begin, values + begin, &by, values + begin); });
  });
}

}  // namespace

std::vector<Tensor> gradients_of(const std::vector<Tensor>& parameters) {
  std::vector<Tensor> gradients;
  gradients.reserve(parameters.size());
  for (const Tensor& parameter : parameters)
    if (Tensor gradient = gradient_of(parameter); gradient.defined()) gradients.push_back(std::move(gradient));
  return gradients;
}

Tensor total_norm(const std::vector<Tensor>& tensors, double p, bool must_be_finite) {
  if (tensors.empty()) return zeros({}, default_dtype());
  const GradMode unrecorded(false);
  std::vector<Tensor> norms;
  norms.reserve(tensors.size());
  for (const Tensor& tensor : tensors) norms.push_back(norm(tensor, p));
  Tensor total = norms.size() == 1 ? norms[0] : norm(stack(norms, 0), p);
  if (const double value = must_be_finite ? number_in(total) : 0; !std::isfinite(value))
    fail<RuntimeError>("The total norm of order ", p, " for gradients from `parameters` is non-finite (", value,
                       "), so it cannot be clipped; with error_if_nonfinite=False they are scaled by it anyway");
  return total;
}

void scale_to_norm(const std::vector<Tensor>& gradients, double max_norm, const Tensor& total) {
  const double factor = factor_of(max_norm, total);
  if (factor >= 1) return;  // a product with 1 would have the same bits
  const GradMode unrecorded(false);
  for (const Tensor& gradient : gradients) {
    check_writable("clip_grad_norm_", gradient);
    scale(gradient, factor);
    gradient.bump_version();
  }
}

void limit_elements(const std::vector<Tensor>& gradients, double most) {
  const GradMode unrecorded(false);
  const double limits[] = {-most, most};
  for (const Tensor& gradient : gradients) {
    check_writable("clip_grad_value_", gradient);
    run_unary(UnaryGates::index<Clamp>(), gradient, gradient, limits);
    gradient.bump_version();
  }
}

}  // namespace gradgate
