// The elementary functions on Vec: the vocabulary in which the gates are written.
//
// Only + - * / sqrt, fma, comparisons and integer operations, in one order, so that the bits are the same on
// every instruction set; a register with a lane outside the common range takes a slower path that gives the
// other lanes the same bits. tools/check_every_float32.py measures the errors, which the gates' GateInfo bounds.
#pragma once

#include "simd/erf.h"
#include "simd/exp.h"
#include "simd/hyperbolic.h"
#include "simd/inverse_trig.h"
#include "simd/log.h"
#include "simd/pow.h"
#include "simd/round.h"
#include "simd/trig.h"
