# Adds the kernels as object libraries, whose objects are in kernel_objects. They compile without
# LibTorch's headers and Node-API's: they see pointers and shapes only. Requires the variable binding;
# test/kernels includes this file on its own. A library also needs one source of binding/threads.
file(GLOB kernel_sources CONFIGURE_DEPENDS "${binding}/kernels/*.cc" "${binding}/kernels/*/*.cc")
set(simd_sources ${kernel_sources})
list(FILTER simd_sources INCLUDE REGEX "_simd[.]cc$")
set(special avx2 avx2vnni avx512vnni avx512bf16 amx neondot neonbf16 neoni8mm)
foreach(set ${special})
  set(${set}_sources ${kernel_sources})
  list(FILTER ${set}_sources INCLUDE REGEX "_${set}[.]cc$")
  list(FILTER kernel_sources EXCLUDE REGEX "_${set}[.]cc$")
endforeach()
list(FILTER kernel_sources EXCLUDE REGEX "_simd[.]cc$")

# Adds an object library of kernels to kernel_objects. Options that enable instructions which not every
# processor has are only for files whose functions are called after a check at run time.
function(add_kernels name)
  cmake_parse_arguments(ARG "" "" "SOURCES;OPTIONS;MSVC_OPTIONS" ${ARGN})
  add_library(${name} OBJECT ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${name} PRIVATE "${binding}")
  if(MSVC)
    target_compile_options(${name} PRIVATE /W3 /EHsc /utf-8 ${ARG_MSVC_OPTIONS})
  else()
    target_compile_options(${name} PRIVATE -Wall -Wextra ${ARG_OPTIONS})
  endif()
  if(SEMISUP_SANITIZE STREQUAL "thread")
    # Kernels synchronize with nothing, and instrumented they take minutes for an image.
    target_compile_options(${name} PRIVATE -fno-sanitize=thread -O3)
  endif()
  set(kernel_objects ${kernel_objects} $<TARGET_OBJECTS:${name}> PARENT_SCOPE)
endfunction()

# The kernels for the instruction set `name`, which is also their namespace.
function(add_simd_kernels name)
  add_kernels(kernels_${name} SOURCES ${simd_sources} ${ARGN})
  target_compile_definitions(kernels_${name} PRIVATE SEMISUP_SIMD=${name})
  set(kernel_objects ${kernel_objects} PARENT_SCOPE)
endfunction()

add_kernels(kernels SOURCES ${kernel_sources})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  # GCC warns of the vectors that some intrinsics leave undefined on purpose.
  set(undefined -Wno-maybe-uninitialized -Wno-uninitialized)
  add_simd_kernels(avx2 OPTIONS -mavx2 -mfma ${undefined} MSVC_OPTIONS /arch:AVX2)
  add_simd_kernels(avx512 OPTIONS -mavx512f -mfma ${undefined} MSVC_OPTIONS /arch:AVX512)
  set(avx2 -mavx2 -mfma ${undefined})
  set(avx512vnni -mavx512f -mavx512bw -mavx512vnni ${undefined})
  set(avx512bf16 ${avx512vnni} -mavx512bf16)
  add_kernels(kernels_avx2_int8 SOURCES ${avx2_sources} OPTIONS ${avx2} MSVC_OPTIONS /arch:AVX2)
  add_kernels(kernels_avx2vnni SOURCES ${avx2vnni_sources}
    OPTIONS ${avx2} -mavxvnni MSVC_OPTIONS /arch:AVX2)
  add_kernels(kernels_avx512vnni SOURCES ${avx512vnni_sources}
    OPTIONS ${avx512vnni} MSVC_OPTIONS /arch:AVX512)
  add_kernels(kernels_avx512bf16 SOURCES ${avx512bf16_sources}
    OPTIONS ${avx512bf16} MSVC_OPTIONS /arch:AVX512)
  add_kernels(kernels_amx SOURCES ${amx_sources}
    OPTIONS ${avx512bf16} -mamx-tile -mamx-int8 -mamx-bf16 MSVC_OPTIONS /arch:AVX512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
  # GCC would load the factors of all rows first, which takes more registers than there are.
  set(neon $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>)
  add_simd_kernels(neon OPTIONS ${neon})
  add_kernels(kernels_neondot SOURCES ${neondot_sources}
    OPTIONS ${neon} -march=armv8.2-a+dotprod)
  add_kernels(kernels_neonbf16 SOURCES ${neonbf16_sources}
    OPTIONS ${neon} -march=armv8.2-a+bf16)
  add_kernels(kernels_neoni8mm SOURCES ${neoni8mm_sources}
    OPTIONS ${neon} -march=armv8.2-a+i8mm)
endif()
