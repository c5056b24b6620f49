#include "tools/command/known_shapes.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "doppio/check.h"
#include "doppio/random_weights.h"
#include "doppio/registry.h"
#include "tools/command/net_input.h"
#include "tools/command/published_widths.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr int64_t kShownGuesses = 3;

// "1,3,227,227", or "uint8:1,720,1280,4"; nothing at all for a scalar.
absl::StatusOr<TensorInfo> ParseShape(absl::string_view text, bool may_be_open) {
  TensorInfo info;
  info.dtype = DataType::kFloat;
  const size_t colon = text.find(':');
  if (colon != absl::string_view::npos) {
    DOPPIO_ASSIGN_OR_RETURN(info.dtype, DataTypeFromName(text.substr(0, colon)));
    text.remove_prefix(colon + 1);
  }
  info.dims.emplace();
  for (const absl::string_view size : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(size, &value)) {
      return absl::InvalidArgumentError(absl::StrCat("\"", size, "\" is no size"));
    }
    info.dims->push_back(value);
  }
  Dims closed = *info.dims;
  if (may_be_open) std::replace(closed.begin(), closed.end(), -1, 1);
  DOPPIO_RETURN_IF_ERROR(NumElements(closed).status());
  return info;
}

// Caffe2's exporters let init nets fill the data with a single element, so that it exists.
bool IsPlaceholder(const TensorInfo& info) {
  return info.IsKnown() && NumElements(*info.dims).value_or(0) == 1;
}

}  // namespace

void KnownShapes::AddShapes(Options* options) {
  options->AddList("--shape", &shapes_, "BLOB=SIZES",
                   "shape of a blob that the net reads: data=1,3,227,227, or with its type "
                   "image=uint8:1,720,1280,4 (default: float)");
}

void KnownShapes::AddOptions(Options* options) {
  AddShapes(options);
  options->AddText("--widths", &widths_, "FILE",
                   "table of how many outputs the layers of a net have, instead of doppio's own "
                   "(tools/command/data/published_widths.txt)");
}

absl::StatusOr<BlobInfos> KnownShapes::Load(const NetDef& net, bool may_be_open) const {
  BlobInfos infos;
  std::set<std::string> read(net.external_input().begin(), net.external_input().end());
  for (const NeededInput& input : NeededInputs(net)) read.insert(input.blob);
  for (const std::string& option : shapes_) {
    const Assignment shape = ParseAssignment(option);
    const absl::StatusOr<TensorInfo> info = ParseShape(shape.value, may_be_open);
    if (shape.key.empty() || !shape.has_value || !info.ok()) {
      return UsageError(absl::StrCat("--shape ", option, ": write BLOB=1,3,227,227",
                                     info.ok() ? "" : "; ", info.status().message()));
    }
    if (read.count(shape.key) == 0) {
      return UsageError(absl::StrCat("--shape ", option, ": net \"", net.name(),
                                     "\" reads no blob \"", shape.key, "\" from outside",
                                     DidYouMean(shape.key, {read.begin(), read.end()})));
    }
    infos[shape.key] = *info;
  }
  return infos;
}

absl::StatusOr<PublishedWidths> KnownShapes::Widths(const NetDef& net) const {
  std::string text(kPublishedWidths);
  if (!widths_.empty()) {
    std::ifstream file(widths_, std::ios::binary);
    std::stringstream content;
    content << file.rdbuf();
    if (!file) return absl::NotFoundError(absl::StrCat(widths_, ": can not be read"));
    text = content.str();
  }
  const absl::StatusOr<std::vector<PublishedWidths>> table = ParseWidthTable(text);
  if (!table.ok()) return Annotate(table.status(), widths_);
  return FindPublishedWidths(*table, net).value_or(PublishedWidths());
}

std::string InfoToString(const TensorInfo& info) {
  return info.IsKnown() ? absl::StrCat(DataTypeName(info.dtype), ShapeToString(*info.dims)) : "?";
}

std::string WidthSources(const NetShapes& shapes, const PublishedWidths& widths) {
  std::string text;
  int64_t published = 0;
  std::vector<std::string> guesses;
  for (const WeightShape& weight : shapes.weights) {
    if (weight.is_published) ++published;
    if (!weight.is_guess) continue;
    guesses.push_back(absl::StrCat(Printable(weight.blob), " ", ShapeToString(*weight.info.dims),
                                   " (", Printable(weight.width_from), ")"));
  }
  if (published > 0) {
    absl::StrAppend(&text, "  ", Counted(published, "width"),
                    " from the table: ", Printable(widths.title), ", ", Printable(widths.source),
                    "\n");
  }
  if (!guesses.empty()) {
    const auto count = static_cast<int64_t>(guesses.size());
    if (count > kShownGuesses) {
      guesses.resize(kShownGuesses);
      guesses.push_back("... (doppio inspect --shape lists them)");
    }
    absl::StrAppend(&text, "  ", Counted(count, "width"),
                    " guessed: ", absl::StrJoin(guesses, ", "), "\n");
  }
  return text;
}

void RandomWeights::AddOptions(Options* options) {
  options->AddSeed(
      "--random-weights", &seed_,
      "make up weights that nothing fills, from this number; their shapes are inferred");
  known_.AddOptions(options);
}

absl::Status RandomWeights::CheckUnused(absl::string_view why) const {
  if (!seed_ && known_.empty()) return absl::OkStatus();
  return UsageError(absl::StrCat("--random-weights, --shape and --widths are ", why));
}

absl::Status RandomWeights::Fill(const NetDef& net, Workspace* workspace) {
  if (!seed_) {
    return known_.empty() ? absl::OkStatus()
                          : UsageError("--shape and --widths are for --random-weights");
  }
  DOPPIO_RETURN_IF_ERROR(CheckNetItself(net));
  BlobInfos infos = InfosOf(*workspace);
  DOPPIO_ASSIGN_OR_RETURN(const BlobInfos given, known_.Load(net));
  std::string data;
  for (const auto& [blob, info] : given) {
    const auto there = infos.find(blob);
    if (there != infos.end() && !IsPlaceholder(there->second)) {
      if (InfoToString(there->second) == InfoToString(info)) continue;
      return UsageError(absl::StrCat("--shape says that ", blob, " is ", InfoToString(info),
                                     ", but it was filled as ", InfoToString(there->second)));
    }
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, RandomData(blob, info.dtype, *info.dims, *seed_));
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(blob, std::move(tensor)));
    infos[blob] = info;
    inputs_.push_back(blob);
    absl::StrAppend(&data, data.empty() ? "" : ", ", Printable(blob), " ", InfoToString(info));
  }
  DOPPIO_ASSIGN_OR_RETURN(const PublishedWidths widths, known_.Widths(net));
  DOPPIO_ASSIGN_OR_RETURN(const NetShapes shapes, InferWeightShapes(net, infos, &widths));
  Table missing({"", "", ""});
  for (const UnknownShape& unknown : shapes.unknown) {
    if (!unknown.is_input || workspace->HasBlob(unknown.blob)) continue;
    missing.Add({Printable(unknown.blob), "", Printable(unknown.why)});
  }
  if (!missing.empty()) {
    std::string text = missing.ToString("  ");
    text.pop_back();
    return absl::InvalidArgumentError(
        absl::StrCat("net \"", net.name(), "\": the shapes of these weights can not be told",
                     widths.title.empty() ? ", and no table has this net (see --widths)" : "",
                     ". Give --shape, --feed or --init:\n", text));
  }
  int64_t elements = 0;
  for (const WeightShape& weight : shapes.weights) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, RandomWeight(weight, *seed_));
    elements += tensor.numel();
    DOPPIO_RETURN_IF_ERROR(workspace->Feed(weight.blob, std::move(tensor)));
  }
  report_ =
      absl::StrCat("the weights are random (seed ", *seed_, "), so the results mean nothing: ",
                   Counted(static_cast<int64_t>(shapes.weights.size()), "blob"), ", ",
                   Counted(elements, "number"), "\n", WidthSources(shapes, widths),
                   data.empty() ? "" : absl::StrCat("  random too: ", data, "\n"));
  return absl::OkStatus();
}

}  // namespace doppio::tools
