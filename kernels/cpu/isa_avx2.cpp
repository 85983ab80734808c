#define SINV_ISA_TABLE kIsaAvx2
#define SINV_ISA_NAME "avx2"
#define SINV_VECTOR 8
#define SINV_TILE_ROWS 6
#include "kernels/cpu/isa_table.inc"
