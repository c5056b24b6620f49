#include "src/onnx/import/model_import.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "doppio/onnx.h"

namespace doppio {
namespace onnx {
namespace {

// As much as a list of problems is of use.
constexpr size_t kShownProblems = 20;

}  // namespace

std::string DomainOf(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

absl::StatusOr<Opsets> OpsetsOf(
    const google::protobuf::RepeatedPtrField<OperatorSetIdProto>& imports) {
  Opsets opsets;
  for (const OperatorSetIdProto& import : imports) {
    const auto [found, is_new] = opsets.emplace(DomainOf(import.domain()), import.version());
    if (!is_new && found->second != import.version()) {
      return absl::InvalidArgumentError(absl::StrCat("two versions, ", found->second, " and ",
                                                     import.version(), ", of the domain \"",
                                                     import.domain(), "\" are imported"));
    }
  }
  const auto own = opsets.find("");
  if (own != opsets.end() && (own->second < kLeastOnnxOpset || own->second > kGreatestOnnxOpset)) {
    return absl::UnimplementedError(absl::StrCat("opset ", own->second, "; doppio reads ",
                                                 kLeastOnnxOpset, " to ", kGreatestOnnxOpset));
  }
  return opsets;
}

std::string ModelImport::NewName(const std::string& wanted) {
  if (names.insert(wanted).second) return wanted;
  int& number = taken_[wanted];
  std::string name;
  do {
    name = absl::StrCat(wanted, "_", ++number);
  } while (!names.insert(name).second);
  return name;
}

absl::Status ModelImport::CountRepeated(const google::protobuf::Message& part) {
  repeated_bytes += static_cast<int64_t>(part.ByteSizeLong());
  if (repeated_bytes <= limits.max_file_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("functions and inner graphs make more of the model than the limit of ",
                   limits.max_file_bytes, " bytes"));
}

void ModelImport::AddProblem(const absl::Status& problem, const std::string& where) {
  if (code_ == absl::StatusCode::kOk) code_ = problem.code();
  if (code_ != problem.code()) code_ = absl::StatusCode::kInvalidArgument;
  std::string what(problem.message());
  if (absl::IsUnimplemented(problem)) {
    const auto [told, is_new] = unsupported_.try_emplace(what, problems_.size());
    if (!is_new) {
      if (told->second < problems_.size()) ++problems_[told->second].more;
      return;
    }
  }
  if (problems_.size() < kShownProblems) {
    problems_.push_back({where, std::move(what)});
  } else {
    ++untold_;
  }
}

absl::Status ModelImport::status() const {
  if (problems_.empty()) return absl::OkStatus();
  std::string text = absl::StrJoin(problems_, "\n", [](std::string* out, const Problem& problem) {
    absl::StrAppend(out, problem.where, problem.where.empty() ? "" : ": ", problem.what);
    if (problem.more > 0) absl::StrAppend(out, " (", problem.more, " more)");
  });
  if (untold_ > 0) absl::StrAppend(&text, "\nand ", untold_, " more problems");
  return absl::Status(code_, text);
}

}  // namespace onnx
}  // namespace doppio
