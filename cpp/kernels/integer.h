// The elementwise kernels for integers: the gates' definitions read with V = Integer.
#pragma once

#include <cstdint>

#include "kernels/elementwise_table.h"

namespace gradgate {

// Forward kernels alone, since integers have no gradient; null where the gate promotes integers to floats.
const ElementwiseTable<std::uint8_t>& uint8_kernels();
const ElementwiseTable<std::int32_t>& int32_kernels();
const ElementwiseTable<std::int64_t>& int64_kernels();

}  // namespace gradgate
