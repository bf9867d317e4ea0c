// The optimizer kernels of one instruction set: one pass over a parameter, its gradient and its state.
#pragma once

namespace gradgate {

template <class T>
struct OptimizerTable {};

}  // namespace gradgate
