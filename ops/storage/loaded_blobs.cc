#include "ops/storage/loaded_blobs.h"

#include <utility>

#include "src/io/tensor_proto.h"

namespace doppio {

absl::Status LoadedBlobs::Add(const std::string& name, absl::string_view key, BlobProto proto,
                              const std::string& source) {
  std::unique_ptr<Entry>& entry = entries_[name];
  if (entry == nullptr) {
    entry = std::make_unique<Entry>(limits_);
    entry->source = source;
  }
  const std::string where = absl::StrCat(source, ": \"", key, "\"");
  if (entry->source != source || entry->is_complete) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": blob \"", name, "\" comes twice",
                     entry->source == source ? "" : ", first in " + entry->source));
  }
  // Tensors are large, and need not be kept: a tensor can be taken from one blob to another.
  if (!io::IsTensorBlob(proto)) entry->messages.push_back(proto);
  DOPPIO_RETURN_IF_ERROR(Annotate(entry->assembler.Add(std::move(proto)), where));
  if (!entry->assembler.IsComplete()) return absl::OkStatus();
  DOPPIO_RETURN_IF_ERROR(Annotate(entry->assembler.Finish(&entry->value), where));
  if (entry->value.IsTensor()) entry->messages.clear();
  entry->is_complete = true;
  ++complete_;
  return absl::OkStatus();
}

std::vector<std::string> LoadedBlobs::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

absl::Status LoadedBlobs::CheckComplete() {
  for (const auto& [name, entry] : entries_) {
    if (entry->is_complete) continue;
    return Annotate(entry->assembler.Finish(&entry->value), entry->source);  // says what is missing
  }
  return absl::OkStatus();
}

const Tensor* LoadedBlobs::TensorOf(const std::string& name) const {
  return entries_.find(name)->second->value.Get<Tensor>();
}

absl::Status LoadedBlobs::MoveTo(const std::string& name, Blob* blob) {
  Entry& entry = *entries_.find(name)->second;
  if (Tensor* tensor = entry.value.IsTensor() ? entry.value.GetMutable<Tensor>() : nullptr) {
    *blob->GetMutable<Tensor>() = std::move(*tensor);
    return absl::OkStatus();
  }
  BlobAssembler assembler(limits_);
  for (BlobProto& message : entry.messages) {
    DOPPIO_RETURN_IF_ERROR(assembler.Add(std::move(message)));
  }
  return Annotate(assembler.Finish(blob), absl::StrCat(entry.source, ": blob \"", name, "\""));
}

}  // namespace doppio
