# Language, warnings and sanitizers for everything built here.
include(GNUInstallDirs)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(STRANDED_CCACHE ccache)
if(STRANDED_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${STRANDED_CCACHE})
endif()

# Files that are compiled together share their unnamed namespace. The clang preset, by which
# clang-tidy goes, and the release preset compile each on its own.
function(stranded_compile_together target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${STRANDED_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# Own targets only: users of the installed package choose their own warnings.
add_library(stranded_build_flags INTERFACE)
target_compile_options(stranded_build_flags INTERFACE -Wall -Wextra
  # Position-independent, but nobody replaces our functions one by one: they may be inlined.
  -fno-semantic-interposition
  # Sites in reports show paths from the project's root, whoever built it and wherever.
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(STRANDED_WERROR)
  target_compile_options(stranded_build_flags INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  # Programs with planted leaks keep locks on purpose.
  set(careful $<NOT:$<BOOL:$<TARGET_PROPERTY:STRANDED_PLANTED_LEAKS>>>)
  target_compile_options(stranded_build_flags INTERFACE -Wno-unused-command-line-argument
    $<${careful}:-Wthread-safety> $<${careful}:-Werror=thread-safety>)
endif()
if(STRANDED_SANITIZE)
  # GCC sees uninitialised reads in std::regex when it instruments it.
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    target_compile_options(stranded_build_flags INTERFACE -Wno-maybe-uninitialized)
    # Fences order records that another process reads from the trace file; TSan sees one process.
    target_compile_options(stranded_build_flags INTERFACE -Wno-tsan)
  endif()
  add_compile_options(-fsanitize=${STRANDED_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${STRANDED_SANITIZE})
endif()
