# The functions every room uses: sinv_library, sinv_test, sinv_bf16_test, and the warnings of our own code.

# Warnings and code generation of our own C++ (vendor headers are SYSTEM, so they do not count).
# -Wno-restrict: g++ 12 sees overlaps in operator+ of strings that are not there (GCC bug 105651).
add_library(sinv_options INTERFACE)
target_compile_options(sinv_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wconversion -Werror -Wno-restrict -fno-math-errno>)
target_include_directories(sinv_options INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
if(SINV_SANITIZE STREQUAL "address")
  # With the sanitizer's checks woven in, g++ 12 sees overflows in std::vector that are not there.
  target_compile_options(sinv_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow -Wno-array-bounds>)
  target_link_options(sinv_options INTERFACE -fsanitize=address,undefined)
elseif(SINV_SANITIZE STREQUAL "thread")
  target_compile_options(sinv_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(sinv_options INTERFACE -fsanitize=thread)
elseif(NOT SINV_SANITIZE STREQUAL "")
  message(FATAL_ERROR "SINV_SANITIZE is \"${SINV_SANITIZE}\"; known: empty, address, thread")
endif()

# sinv_library(NAME base SOURCES a.cpp b.cpp [LIBS sinv_x] [PRIVATE_LIBS vendor]): target sinv_base.
function(sinv_library)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
  add_library(sinv_${ARG_NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(sinv_${ARG_NAME} PUBLIC sinv_options ${ARG_LIBS} PRIVATE ${ARG_PRIVATE_LIBS})
endfunction()

# sinv_test(NAME base_test SOURCES a_test.cpp LIBS sinv_base [TIMEOUT seconds] [DEFINES A="b"] [LABEL mame]): one
# binary, one ctest entry per TEST. Tests find the tree at SINV_SOURCE_DIR and what was built at SINV_BINARY_DIR.
function(sinv_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT;LABEL" "SOURCES;LIBS;DEFINES" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/bin)
  target_compile_definitions(${ARG_NAME} PRIVATE
    SINV_SOURCE_DIR="${CMAKE_SOURCE_DIR}" SINV_BINARY_DIR="${CMAKE_BINARY_DIR}" ${ARG_DEFINES})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_LIBS} sinv_options GTest::gmock GTest::gtest GTest::gtest_main)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)  # a hang guard, not a speed limit
  endif()
  include(GoogleTest)
  gtest_discover_tests(${ARG_NAME} DISCOVERY_TIMEOUT 120 PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABEL}")
endfunction()

# sinv_bf16_test(dqn_learner_test "DqnLearner.Learns*"): the tests of a binary that the filter names once more, in one
# process whose products are of bf16 inputs; skipped on a processor without them.
function(sinv_bf16_test NAME FILTER)
  add_test(NAME ${NAME}_in_bf16 COMMAND ${NAME} --gtest_filter=${FILTER})
  set_tests_properties(${NAME}_in_bf16 PROPERTIES ENVIRONMENT SINV_ISA=avx512-bf16 TIMEOUT 600
    SKIP_REGULAR_EXPRESSION "SINV_ISA=avx512-bf16: this machine runs")
endfunction()
