#if defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
// GCC 12 takes a part of std::regex for uninitialised then (bug 105562).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "ops/storage/blob_options.h"

namespace doppio {
namespace {

// The standard library's expressions may use a stack frame for each character.
constexpr size_t kLongestName = 1000;

}  // namespace

BlobOptions::BlobOptions(OperatorInit* init) {
  if (!options_.ParseFromString(init->GetSingleArgument<std::string>(kBlobOptions))) {
    init->Fail(absl::InvalidArgumentError("options is no serialised SerializationOptions"));
    return;
  }
  for (const BlobSerializationOptions& option : options_.options()) {
    try {
      expressions_.emplace_back(option.blob_name_regex());
    } catch (const std::regex_error& error) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("\"", option.blob_name_regex(), "\" is no expression: ", error.what())));
      return;
    }
  }
}

void BlobOptions::AddLast(const BlobSerializationOptions& options) {
  *options_.add_options() = options;
  expressions_.emplace_back();
}

const BlobSerializationOptions& BlobOptions::Of(const std::string& name) const {
  for (size_t i = 0; i < expressions_.size(); ++i) {
    const BlobSerializationOptions& option = options_.options(static_cast<int>(i));
    if (option.blob_name_regex().empty()) return option;
    if (name.size() > kLongestName) continue;
    try {
      if (std::regex_match(name, expressions_[i])) return option;
    } catch (const std::regex_error&) {  // too complex for this name
      continue;
    }
  }
  return BlobSerializationOptions::default_instance();
}

}  // namespace doppio
