#define SINV_ISA_TABLE kIsaAvx512Emulated
#define SINV_ISA_NAME "avx512-emulated"
#define SINV_VECTOR 16
#define SINV_TILE_ROWS 12
#include "kernels/cpu/isa_table.inc"
