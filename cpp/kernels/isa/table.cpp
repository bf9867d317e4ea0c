// Assembles this instruction set's KernelTable.
#include "kernels/isa/tables.h"

namespace gradgate::GRADGATE_ISA {

void fill_table(KernelTable& table) {
  fill_unary_forward(table.f32.elementwise, table.f64.elementwise);
  fill_unary_backward(table.f32.elementwise, table.f64.elementwise);
  fill_multi_input(table.f32.elementwise, table.f64.elementwise);
  fill_matmul(table.f32.matmul, table.f64.matmul);
  fill_optimizer(table.f32.optimizer, table.f64.optimizer);
  fill_peak(table.f32.peak, table.f64.peak);
  fill_random(table.random_words, table.f32.random, table.f64.random);
  fill_reduce(table.f32.reduce, table.f64.reduce);
  fill_softmax(table.f32.softmax, table.f64.softmax);
  fill_normalization(table.f32.normalization, table.f64.normalization);
}

}  // namespace gradgate::GRADGATE_ISA
