# The target `coverage`: runs the tests of the code, and says which lines and branches of src and ops
# they reached; fails where that is less than is wanted. Branches that only an exception takes do not
# count.
option(DOPPIO_COVERAGE "Count which lines the tests reach (GCC; the target coverage)" OFF)
if(DOPPIO_COVERAGE)
  find_program(DOPPIO_GCOVR gcovr)
  if(NOT DOPPIO_GCOVR)
    message(FATAL_ERROR "DOPPIO_COVERAGE needs gcovr (apt-get install gcovr)")
  endif()
  # Threads count too.
  target_compile_options(doppio_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(doppio_options INTERFACE --coverage)
  set(report "${PROJECT_BINARY_DIR}/coverage")
  add_custom_target(coverage
    COMMAND find "${PROJECT_BINARY_DIR}" -name "*.gcda" -delete
    COMMAND "${CMAKE_CTEST_COMMAND}" --output-on-failure --parallel 2
            --label-exclude "^(lint|link|compile_fail)$"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${report}"
    COMMAND "${DOPPIO_GCOVR}" --root "${PROJECT_SOURCE_DIR}" --object-directory "${PROJECT_BINARY_DIR}"
            --filter "${PROJECT_SOURCE_DIR}/src/" --filter "${PROJECT_SOURCE_DIR}/ops/"
            --exclude-throw-branches --exclude-unreachable-branches -j 2
            --html-details "${report}/index.html" --txt "${report}/lines.txt" --print-summary
            --fail-under-line 90 --fail-under-branch 80
    WORKING_DIRECTORY "${PROJECT_BINARY_DIR}"
    USES_TERMINAL VERBATIM)
endif()
