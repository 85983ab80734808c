// The body of every isa_*.cpp: the loops in an anonymous namespace and the table that names them. The including file
// defines SINV_ISA_TABLE, SINV_ISA_NAME, SINV_VECTOR and SINV_TILE_ROWS. These files are compiled with the instruction
// set's own flags, so they must not emit inline functions that other files share; a test reads the object files.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/random.h"
#include "kernels/cpu/isa.h"
#include "kernels/elementwise_math.h"
#include "kernels/normal.h"

namespace sinv {
namespace {
#include "kernels/cpu/isa_loops.h"
// isa_gemm.h uses what isa_loops.h defines.
#include "kernels/cpu/isa_gemm.h"
}  // namespace

const IsaKernels SINV_ISA_TABLE = {
    SINV_ISA_NAME,       kPanel,         kVector, gemm,          pack,           pack_noisy,     transpose,
    noisy_mix,           noisy_backward, noise,   unary_forward, unary_backward, binary_forward, binary_backward,
    activation_backward, sum_of_squares, adam,    average};

}  // namespace sinv
