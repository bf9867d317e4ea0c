// The functions with which this instruction set's units fill their part of its KernelTable.
#pragma once

#include "kernels/table.h"
#include "simd/isa.h"

namespace gradgate::GRADGATE_ISA {

void fill_unary_forward(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64);
void fill_unary_backward(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64);
void fill_multi_input(ElementwiseTable<float>& f32, ElementwiseTable<double>& f64);
void fill_random(RandomWords& words, RandomTable<float>& f32, RandomTable<double>& f64);
void fill_reduce(ReduceTable<float>& f32, ReduceTable<double>& f64);
void fill_softmax(SoftmaxTable<float>& f32, SoftmaxTable<double>& f64);
void fill_matmul(MatmulTable<float>& f32, MatmulTable<double>& f64);
void fill_normalization(NormalizationTable<float>& f32, NormalizationTable<double>& f64);
void fill_optimizer(OptimizerTable<float>& f32, OptimizerTable<double>& f64);
void fill_peak(PeakTable<float>& f32, PeakTable<double>& f64);

}  // namespace gradgate::GRADGATE_ISA
