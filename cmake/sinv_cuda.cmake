# CUDA when nvcc, cuBLASLt and cuDNN are there; never required. Sets SINV_CUDA_FOUND and the targets cudnn::cudnn
# and sinv::cublas_lt.
set(SINV_CUDA_FOUND OFF)
if(SINV_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)  # before enable_language, which would choose 75
      set(CMAKE_CUDA_ARCHITECTURES "80;90" CACHE STRING "GPU architectures to compile for")
    endif()
    enable_language(CUDA)
    if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25.1 does not know C++20 for nvcc
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
      set(CMAKE_CUDA20_COMPILE_FEATURES "cuda_std_20")
      list(APPEND CMAKE_CUDA_COMPILE_FEATURES "cuda_std_20")
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    find_package(CUDAToolkit 13.0 REQUIRED)
    find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    # Python packages bring the libraries without the plain name; CMAKE_PREFIX_PATH leads to them.
    find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${CUDAToolkit_LIBRARY_DIR})
    find_path(CUBLASLT_INCLUDE_DIR cublasLt.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
    find_library(CUBLASLT_LIBRARY NAMES cublasLt libcublasLt.so.13 HINTS ${CUDAToolkit_LIBRARY_DIR})
    if(CUDNN_INCLUDE_DIR AND CUDNN_LIBRARY AND CUBLASLT_INCLUDE_DIR AND CUBLASLT_LIBRARY)
      add_library(sinv::cublas_lt UNKNOWN IMPORTED)
      set_target_properties(sinv::cublas_lt PROPERTIES IMPORTED_LOCATION ${CUBLASLT_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${CUBLASLT_INCLUDE_DIR})
      add_library(cudnn::cudnn UNKNOWN IMPORTED)
      set_target_properties(cudnn::cudnn PROPERTIES IMPORTED_LOCATION ${CUDNN_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${CUDNN_INCLUDE_DIR})
      set(SINV_CUDA_FOUND ON)
    else()
      message(STATUS "sinv: nvcc is there, but not cuBLASLt and cuDNN 9")
    endif()
  endif()
endif()
message(STATUS "sinv: CUDA ${SINV_CUDA_FOUND}")
