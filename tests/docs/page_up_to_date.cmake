# The page docs/PAGE is what `doppio OPTIONS` prints.
string(REPLACE " " ";" options "${OPTIONS}")
execute_process(COMMAND "${DOPPIO}" ${options} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "doppio ${OPTIONS} failed: ${result}")
endif()
file(READ "${DOCS}/${PAGE}" page)
if(NOT page STREQUAL printed)
  message(FATAL_ERROR "docs/${PAGE} is out of date; make it anew with "
                      "build/release/bin/doppio ${OPTIONS} > docs/${PAGE}")
endif()
