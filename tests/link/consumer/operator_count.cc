#include "operator_count.h"

#include <cstdio>
#include <string>

#include <doppio/registry.h>
#include <doppio/schema.h>

bool PrintOperators() {
  for (const std::string& type : doppio::OpSchemaRegistry::Types()) {
    std::printf("%s schema\n", type.c_str());
  }
  for (const doppio::OperatorKey& key : doppio::OperatorRegistry::Keys()) {
    std::printf("%s operator %s\n", key.type.c_str(), key.engine.c_str());
  }
  for (const std::string& problem : doppio::RegistrationProblems()) {
    std::fprintf(stderr, "%s\n", problem.c_str());
  }
  return doppio::RegistrationProblems().empty();
}
