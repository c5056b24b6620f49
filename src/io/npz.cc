#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "doppio/npy.h"
#include "src/io/npy.h"
#include "src/io/npz.h"
#include "src/io/zip.h"

namespace doppio {
namespace {

using ArraysByPlace = std::vector<std::pair<std::string, io::ZipMember>>;

// The members that are arrays, with their names.
absl::StatusOr<ArraysByPlace> ReadArrays(absl::string_view bytes, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<io::ZipMember> members, io::ReadZip(bytes, limits));
  ArraysByPlace arrays;
  std::set<std::string> names;
  for (const io::ZipMember& member : members) {
    absl::string_view name = member.name;
    if (!absl::ConsumeSuffix(&name, ".npy")) continue;
    if (!names.emplace(name).second) {
      return absl::InvalidArgumentError(absl::StrCat("npz: ", member.name, " is there twice"));
    }
    arrays.emplace_back(std::string(name), member);
  }
  return arrays;
}

absl::StatusOr<Tensor> Unpack(const io::ZipMember& member, const Limits& limits) {
  std::unique_ptr<char[]> buffer;
  DOPPIO_ASSIGN_OR_RETURN(const absl::string_view content, io::UnpackMember(member, &buffer));
  absl::StatusOr<Tensor> tensor = ParseNpy(content, limits);
  return tensor.ok() ? tensor : Annotate(tensor.status(), member.name);
}

}  // namespace

absl::StatusOr<std::vector<NamedTensor>> ParseNpz(absl::string_view bytes, const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const ArraysByPlace arrays, ReadArrays(bytes, limits));
  std::vector<NamedTensor> tensors;
  for (const auto& [name, member] : arrays) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Unpack(member, limits));
    tensors.push_back({name, std::move(tensor)});
  }
  return tensors;
}

absl::StatusOr<Tensor> ParseNpzArray(absl::string_view bytes, absl::string_view name,
                                     const Limits& limits) {
  DOPPIO_ASSIGN_OR_RETURN(const ArraysByPlace arrays, ReadArrays(bytes, limits));
  std::vector<std::string> names;
  for (const auto& [array_name, member] : arrays) {
    if (array_name == name) return Unpack(member, limits);
    names.push_back(absl::StrCat("\"", array_name, "\""));
  }
  return absl::NotFoundError(
      absl::StrCat("no array \"", name, "\"; there are: ", absl::StrJoin(names, ", ")));
}

absl::Status io::WriteNpz(absl::Span<const NamedTensor> tensors,
                          google::protobuf::io::ZeroCopyOutputStream* out) {
  std::vector<NpyContent> contents;
  for (const NamedTensor& tensor : tensors) {
    absl::StatusOr<NpyContent> content = NpyContent::Of(tensor.tensor);
    if (!content.ok()) return Annotate(content.status(), tensor.name);
    contents.push_back(*std::move(content));
  }
  std::vector<ZipInput> members;
  for (size_t i = 0; i < contents.size(); ++i) {
    members.push_back({absl::StrCat(tensors[i].name, ".npy"),
                       {contents[i].header(), contents[i].elements()}});
  }
  return WriteZip(members, out);
}

absl::StatusOr<std::string> FormatNpz(absl::Span<const NamedTensor> tensors) {
  std::string bytes;
  google::protobuf::io::StringOutputStream out(&bytes);
  DOPPIO_RETURN_IF_ERROR(io::WriteNpz(tensors, &out));
  return bytes;
}

}  // namespace doppio
