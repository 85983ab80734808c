#define SINV_ISA_TABLE kIsaBase
#define SINV_ISA_NAME "base"
#define SINV_VECTOR 4
#define SINV_TILE_ROWS 6
#include "kernels/cpu/isa_table.inc"
