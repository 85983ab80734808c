#define SINV_ISA_TABLE kIsaAvx512Bf16Emulated
#define SINV_ISA_NAME "avx512-bf16-emulated"
#define SINV_VECTOR 16
#define SINV_TILE_ROWS 12
#define SINV_BF16_PRODUCTS 1
#include "kernels/cpu/isa_table.inc"
