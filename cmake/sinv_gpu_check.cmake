# The GPU self-check alone: of each room what it needs, none of which asks for a package.
if(NOT SINV_CUDA_FOUND)
  message(FATAL_ERROR "the GPU self-check needs nvcc 13, cuBLASLt and cuDNN 9")
endif()
sinv_library(NAME base SOURCES base/text.cpp LIBS Threads::Threads)
add_subdirectory(kernels)
sinv_library(NAME nn
  SOURCES nn/large_memory.cpp nn/device_floats.cpp nn/arena.cpp nn/tape.cpp nn/functional.cpp nn/images.cpp
    nn/parameters.cpp nn/layers.cpp nn/image_layers.cpp nn/q_head.cpp nn/conv_trunk.cpp nn/q_network.cpp nn/adam.cpp nn/dense.cpp
    nn/rssm.cpp nn/world_model.cpp nn/world_loss.cpp
  LIBS sinv_kernels sinv_base)
sinv_library(NAME dqn
  SOURCES rl/dqn/learner.cpp rl/dqn/actor.cpp rl/dqn/device_replay.cpp rl/dqn/learner_bench.cpp rl/replay_index.cpp
  LIBS sinv_nn)
sinv_library(NAME dreamer SOURCES rl/dreamer/settings.cpp rl/dreamer/learner.cpp LIBS sinv_nn)
include(sinv_gpu_programs)
