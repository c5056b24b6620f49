#include "operator_count.h"

#include <doppio/operator_library.h>
#include <doppio/registry.h>
#include <doppio/schema.h>

#include <cstdio>
#include <string>

bool LoadPlugin(const char* path) {
  const auto loaded = doppio::LoadOperatorLibrary(path);
  if (!loaded.ok()) std::fprintf(stderr, "%s\n", loaded.status().ToString().c_str());
  return loaded.ok();
}

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
