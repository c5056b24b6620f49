#ifndef DOPPIO_TESTS_SUPPORT_MAP_SCOPE_H_
#define DOPPIO_TESTS_SUPPORT_MAP_SCOPE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "doppio/blob.h"

namespace doppio {

// The least that operators need to find their blobs: a map from names to blobs.
class MapScope final : public BlobScope {
 public:
  std::shared_ptr<Blob> FindBlob(absl::string_view name) const override {
    const auto found = blobs_.find(std::string(name));
    return found == blobs_.end() ? nullptr : found->second;
  }
  std::shared_ptr<Blob> CreateBlob(absl::string_view name) override {
    std::shared_ptr<Blob>& blob = blobs_[std::string(name)];
    if (blob == nullptr) blob = std::make_shared<Blob>();
    return blob;
  }

  void Feed(absl::string_view name, Tensor value) {
    *CreateBlob(name)->GetMutable<Tensor>() = std::move(value);
  }
  // Null where there is no such blob or it holds no tensor.
  const Tensor* Fetch(absl::string_view name) const {
    const std::shared_ptr<Blob> blob = FindBlob(name);
    return blob == nullptr ? nullptr : blob->Get<Tensor>();
  }

 private:
  std::map<std::string, std::shared_ptr<Blob>> blobs_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_MAP_SCOPE_H_
