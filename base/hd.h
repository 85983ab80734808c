#pragma once

/// Marks a function that is compiled for the host and, by nvcc, for the device as well.
#if defined(__CUDACC__)
#define SINV_HD __host__ __device__
#else
#define SINV_HD
#endif
