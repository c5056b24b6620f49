# The target `coverage`: runs the tests of the code, and says which lines and branches of src and ops
# they reached; fails where that is less than is wanted. Branches that only an exception takes do not
# count. The target `fuzz_coverage`: which lines of what reads, checks and infers are reached by the
# seeds of fuzzing and by what tools/fuzz has gathered in build/fuzz/corpus.
option(DOPPIO_COVERAGE "Count which lines the tests reach (GCC; target coverage)" OFF)
if(DOPPIO_COVERAGE)
  find_program(DOPPIO_GCOVR gcovr)
  if(NOT DOPPIO_GCOVR)
    message(FATAL_ERROR "DOPPIO_COVERAGE needs gcovr (apt-get install gcovr)")
  endif()
  # Threads count too.
  target_compile_options(doppio_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(doppio_options INTERFACE --coverage)
  # doppio_coverage(TARGET FILTERS RUN command... GCOVR options...)
  function(doppio_coverage target filters)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "RUN;GCOVR")
    set(report "${PROJECT_BINARY_DIR}/${target}")
    list(TRANSFORM filters PREPEND "--filter=${PROJECT_SOURCE_DIR}/")
    add_custom_target(${target}
      COMMAND find "${PROJECT_BINARY_DIR}" -name "*.gcda" -delete
      COMMAND ${arg_RUN}
      COMMAND "${CMAKE_COMMAND}" -E make_directory "${report}"
      COMMAND "${DOPPIO_GCOVR}" --root "${PROJECT_SOURCE_DIR}" --object-directory "${PROJECT_BINARY_DIR}"
              ${filters} --exclude-throw-branches --exclude-unreachable-branches -j 2
              --html-details "${report}/index.html" --txt "${report}/lines.txt" --print-summary
              ${arg_GCOVR}
      WORKING_DIRECTORY "${PROJECT_BINARY_DIR}"
      USES_TERMINAL VERBATIM)
  endfunction()
  doppio_coverage(coverage "src/;ops/"
    RUN "${CMAKE_CTEST_COMMAND}" --output-on-failure --parallel 2
        --label-exclude "^(lint|link|compile_fail)$"
    GCOVR --fail-under-line 90 --fail-under-branch 80)
  doppio_coverage(fuzz_coverage "src/io/;src/graph/(check|infer)"
    RUN "${CMAKE_COMMAND}" -E env "DOPPIO_FUZZ_CORPUS=${PROJECT_SOURCE_DIR}/build/fuzz/corpus"
        "${PROJECT_BINARY_DIR}/bin/fuzz_test" --gtest_brief=1
    GCOVR --fail-under-line 90)
endif()
