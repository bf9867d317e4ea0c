// The blocking of products: a row for each instruction set, held to the sizes of the caches that it is made for.
#pragma once

#include <cstdint>

#include "kernels/matmul_table.h"
#include "simd/isa.h"

namespace gradgate::GRADGATE_ISA {

constexpr std::int64_t kilobytes(std::int64_t count) { return count << 10; }

// Sizes are those of float32; double takes half as many columns of a register, rows of A and columns of B.
struct Blocking {
  // What the row is made for: vector registers, and bytes of one, of the first and of the second cache.
  int registers, register_bytes;
  std::int64_t first_cache, second_cache;

  // The tile for many rows: `mr` rows by `panel_vecs` registers of columns.
  int mr, panel_vecs;
  // Rows of A in a block, and columns of B that are packed at a time.
  std::int64_t mc, nc;

  // Whether part of a register can be loaded at the price of a whole one. Where it cannot, the last columns of B are packed.
  bool masked_loads;
  // Whether C is prefetched a row at a time, over the steps of k, instead of all at once.
  bool spreads_prefetch;

  // B is packed from this many row tiles on: a panel's packing costs about a fifth of a row tile's product, and packed, its lines are
  // aligned, adjacent and in few pages.
  int pack_b_tiles = 14;
  // A is packed from this many panels of B on, for it likewise costs a fifth of a panel's product, where its elements lie scattered: as
  // the columns of a row-major matrix do when they are this many elements or more apart.
  int pack_a_panels = 4;
  std::int64_t scattered_stride = 256;

  // Up to this k a row tile meets all columns of a block of B before the next row tile, so that C is written along its rows: otherwise
  // each tile touches a few lines of as many pages as it has rows, and little arithmetic hides it (256 x 10 x 1,024 took 63 instead of
  // 30 us). Such a block of B has at most so many bytes.
  std::int64_t rows_first_k = 64, rows_first_bytes = kilobytes(128);

  // The accumulators, a row of B and a broadcast value do not spill.
  constexpr bool fits_registers() const { return mr * panel_vecs + panel_vecs + 1 <= registers; }
  // A panel of B, kKC x NR, stays in two thirds of the first cache while the rows of A pass by.
  constexpr bool panel_fits() const { return 3 * kKC * panel_vecs * register_bytes <= 2 * first_cache; }
  // A block of A, MC x kKC, stays in 9/16 of the second cache while all panels of B pass by.
  constexpr bool block_fits() const { return mc % (2 * mr) == 0 && 16 * mc * kKC * 4 <= 9 * second_cache; }
  // Packed B, kKC x NC, is read once for each block of A, from the last cache: it has at most 2 MB.
  constexpr bool packed_b_fits() const { return nc * kKC * 4 <= 2 << 20; }
  // A block of B that all row tiles meet stays in half of the second cache.
  constexpr bool rows_first_fits() const { return 2 * rows_first_bytes <= second_cache; }

  constexpr bool fits() const { return fits_registers() && panel_fits() && block_fits() && packed_b_fits() && rows_first_fits(); }
};

inline constexpr Blocking kBlockingAvx512{
    .registers = 32, .register_bytes = 64, .first_cache = kilobytes(48), .second_cache = kilobytes(1024),
    .mr = 14, .panel_vecs = 2,  // 28 accumulators, 2 of B and 1 broadcast
    .mc = 560,                  // 560 of 1,024 KB
    .nc = 2048,
    .masked_loads = true,
    .spreads_prefetch = true};  // the 28 lines of a tile hold up the loads behind them: 218 against 229 GF/s at n = 2,048
inline constexpr Blocking kBlockingAvx2{
    .registers = 16, .register_bytes = 32, .first_cache = kilobytes(32), .second_cache = kilobytes(256),
    .mr = 6, .panel_vecs = 2,  // 12 accumulators, 2 of B and 1 broadcast
    .mc = 144,                 // 144 of 256 KB
    .nc = 2048,
    .masked_loads = true,
    .spreads_prefetch = false};  // a tile has 12 lines
inline constexpr Blocking kBlockingNeon{
    .registers = 32, .register_bytes = 16, .first_cache = kilobytes(32), .second_cache = kilobytes(512),
    .mr = 8, .panel_vecs = 3,  // 24 accumulators, 3 of B and 1 broadcast
    .mc = 256,                 // 256 of 512 KB
    .nc = 2048,
    .masked_loads = false,
    .spreads_prefetch = false};  // a tile has 8 lines
inline constexpr Blocking kBlockingBaseline{
    .registers = 16, .register_bytes = 16, .first_cache = kilobytes(32), .second_cache = kilobytes(512),
    .mr = 4, .panel_vecs = 2,  // 8 accumulators, 2 of B and 1 broadcast
    .mc = 256,                 // 256 of 512 KB
    .nc = 2048,
    .masked_loads = false,
    .spreads_prefetch = false};
static_assert(kBlockingAvx512.fits() && kBlockingAvx2.fits() && kBlockingNeon.fits() && kBlockingBaseline.fits());

#if defined(GRADGATE_ISA_IS_avx512)
inline constexpr const Blocking& kBlocking = kBlockingAvx512;
#elif defined(GRADGATE_ISA_IS_avx2)
inline constexpr const Blocking& kBlocking = kBlockingAvx2;
#elif defined(GRADGATE_ISA_IS_neon)
inline constexpr const Blocking& kBlocking = kBlockingNeon;
#else
inline constexpr const Blocking& kBlocking = kBlockingBaseline;
#endif
static_assert(kBlocking.register_bytes == kVecBytes);

inline constexpr int kMR = kBlocking.mr, kPanelVecs = kBlocking.panel_vecs, kRegisters = kBlocking.registers;

// The same in elements of T.
template <class T>
inline constexpr int kNR = kPanelVecs * kVecBytes / static_cast<int>(sizeof(T));
template <class T>
inline constexpr std::int64_t kMC = kBlocking.mc * 4 / static_cast<int>(sizeof(T)) / kMR * kMR;
template <class T>
inline constexpr std::int64_t kNC = kBlocking.nc * 4 / static_cast<int>(sizeof(T)) / kNR<T> * kNR<T>;

}  // namespace gradgate::GRADGATE_ISA
