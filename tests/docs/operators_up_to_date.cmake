# docs/operators.md is what `doppio ops --markdown` prints.
execute_process(COMMAND "${DOPPIO}" ops --markdown OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "doppio ops --markdown failed: ${result}")
endif()
file(READ "${PAGE}" page)
if(NOT page STREQUAL printed)
  message(FATAL_ERROR "docs/operators.md is out of date; make it anew with "
                      "build/release/bin/doppio ops --markdown > docs/operators.md")
endif()
