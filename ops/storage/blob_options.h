#ifndef DOPPIO_OPS_STORAGE_BLOB_OPTIONS_H_
#define DOPPIO_OPS_STORAGE_BLOB_OPTIONS_H_

#include <regex>
#include <string>
#include <vector>

#include "doppio/net.pb.h"
#include "doppio/operator.h"

namespace doppio {

constexpr char kBlobOptions[] = "options";
constexpr char kBlobOptionsDoc[] =
    "a serialised SerializationOptions message: chunks and types of floats, by expressions that "
    "match whole names";

// How the blobs of each name are written: the argument `options` of an operator.
class BlobOptions {
 public:
  explicit BlobOptions(OperatorInit* init);

  // For the names that nothing before matches.
  void AddLast(const BlobSerializationOptions& options);
  // The first that match the name; an empty expression matches all.
  const BlobSerializationOptions& Of(const std::string& name) const;

 private:
  SerializationOptions options_;
  std::vector<std::regex> expressions_;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_STORAGE_BLOB_OPTIONS_H_
