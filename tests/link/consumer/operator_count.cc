#include "operator_count.h"

#include <cstdio>
#include <string>

#include <doppio/schema.h>

bool PrintOperators() {
  for (const std::string& type : doppio::OpSchemaRegistry::Types()) std::puts(type.c_str());
  for (const std::string& problem : doppio::RegistrationProblems()) {
    std::fprintf(stderr, "%s\n", problem.c_str());
  }
  return doppio::RegistrationProblems().empty();
}
