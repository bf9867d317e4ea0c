// How NumPy takes, places and replaces a strided part.
#pragma once

#include "array/placement.h"
#include "gates/text.h"

namespace gradgate {

Text take_text(const Text& x, const Placement& p);
Text place_text(const Text& x, const Placement& p);
Text replaced_text(const Text& x, const Placement& p, const Text& values);

}  // namespace gradgate
