#ifndef DOPPIO_OPS_STORAGE_LOADED_BLOBS_H_
#define DOPPIO_OPS_STORAGE_LOADED_BLOBS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "doppio/blob.h"
#include "doppio/database.h"
#include "doppio/limits.h"
#include "doppio/serialize.h"

namespace doppio {

// Blobs that were read from databases and are complete, or not yet. Until all are, nobody else sees
// them.
class LoadedBlobs {
 public:
  explicit LoadedBlobs(const Limits& limits) : limits_(limits) {}

  // A message of the blob that is to be called `name`, from the record `key` of the database
  // `source`. Errors: messages that do not go together or can not be read, a blob that comes twice.
  absl::Status Add(const std::string& name, absl::string_view key, BlobProto proto,
                   const std::string& source);

  // Of those that are complete.
  int complete() const { return complete_; }
  std::vector<std::string> Names() const;
  // InvalidArgument where a blob is not complete.
  absl::Status CheckComplete();

  // The tensor, or null where the blob is something else. It must be there and complete.
  const Tensor* TensorOf(const std::string& name) const;
  bool Has(const std::string& name) const { return entries_.count(name) > 0; }
  // Puts the value into a blob.
  absl::Status MoveTo(const std::string& name, Blob* blob);

 private:
  struct Entry {
    explicit Entry(const Limits& limits) : assembler(limits) {}

    std::string source;
    BlobAssembler assembler;
    bool is_complete = false;
    Blob value;
    // What it is made of, where it is no tensor: such values can not be moved from blob to blob.
    std::vector<BlobProto> messages;
  };

  Limits limits_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
  int complete_ = 0;
};

}  // namespace doppio

#endif  // DOPPIO_OPS_STORAGE_LOADED_BLOBS_H_
