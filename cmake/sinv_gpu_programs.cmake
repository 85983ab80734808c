# What tools/gpu_check.sh builds on a machine without a test library; also part of the ordinary build, so that it always
# compiles. gpu_check: the checks and benches that go through the device module. gpu_kernels: the cases of the kernels,
# which need nvcc to be of use.
add_executable(gpu_check ${CMAKE_SOURCE_DIR}/tests/gpu/gpu_check.cpp ${CMAKE_SOURCE_DIR}/tests/gpu/checks.cpp
  ${CMAKE_SOURCE_DIR}/tests/gpu/bandwidth.cpp ${CMAKE_SOURCE_DIR}/tests/gpu/replay_bench.cpp
  ${CMAKE_SOURCE_DIR}/tests/gpu/replay_case.cpp ${CMAKE_SOURCE_DIR}/tests/gpu/replay_checks.cpp
  ${CMAKE_SOURCE_DIR}/tests/support/check.cpp)
target_link_libraries(gpu_check PRIVATE sinv_dqn sinv_dreamer sinv_nn sinv_kernels sinv_base)
if(TARGET sinv_cuda)
  add_dependencies(gpu_check sinv_cuda)
  set(sinv_kernel_cases cases elementwise_cases image_cases optimiser_cases replay_cases rows_cases rssm_cases)
  list(TRANSFORM sinv_kernel_cases PREPEND ${CMAKE_SOURCE_DIR}/tests/kernels/cuda/)
  list(TRANSFORM sinv_kernel_cases APPEND .cpp)
  add_executable(gpu_kernels ${CMAKE_SOURCE_DIR}/tests/gpu/gpu_kernels.cpp ${CMAKE_SOURCE_DIR}/tests/support/check.cpp
    ${sinv_kernel_cases} $<TARGET_OBJECTS:sinv_cuda_kernels>)
  target_link_libraries(gpu_kernels PRIVATE sinv_kernels sinv_base CUDA::cudart_static)
endif()
