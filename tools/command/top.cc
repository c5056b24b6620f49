#include "tools/command/top.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

int64_t RowsOf(const Tensor& scores) { return scores.rank() < 2 ? 1 : scores.dim(0); }

double ScoreAt(const Tensor& scores, int64_t i) {
  return scores.Is<float>() ? static_cast<double>(scores.data<float>()[i])
                            : scores.data<double>()[i];
}

}  // namespace

void TopClasses::AddOptions(Options* options) {
  options->AddNumber(
      "--top", &count_, 1, 1'000'000,
      "show the N classes with the largest scores of each blob that is described and "
      "holds scores");
  options->AddText("--labels", &labels_file_, "FILE", "names of the classes for --top, one a line");
}

absl::Status TopClasses::Load() {
  if (labels_file_.empty()) return absl::OkStatus();
  if (count_ == 0) return UsageError("--labels goes with --top N");
  std::ifstream file(labels_file_);
  std::string line;
  while (std::getline(file, line)) labels_.emplace_back(absl::StripAsciiWhitespace(line));
  if (labels_.empty()) {
    return absl::NotFoundError(absl::StrCat("--labels ", labels_file_, ": no lines can be read"));
  }
  return absl::OkStatus();
}

bool TopClasses::IsClassification(const Tensor& tensor) {
  if (!tensor.Is<float>() && !tensor.Is<double>()) return false;
  if (tensor.rank() < 1 || tensor.numel() == 0) return false;
  for (int i = 2; i < tensor.rank(); ++i) {
    if (tensor.dim(i) != 1) return false;
  }
  return true;
}

absl::Status TopClasses::Check(const std::string& name, const Tensor& scores) const {
  const int64_t classes = scores.numel() / RowsOf(scores);
  if (labels_.empty() || static_cast<int64_t>(labels_.size()) == classes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--labels ", labels_file_, " has ", Counted(static_cast<int64_t>(labels_.size()), "line"),
      ", but ", name, " has ", classes, " classes"));
}

std::vector<TopClasses::Place> TopClasses::Rank(const Tensor& scores) const {
  const int64_t rows = RowsOf(scores);
  const int64_t classes = scores.numel() / rows;
  const int64_t shown = std::min<int64_t>(count_, classes);
  std::vector<Place> places;
  std::vector<int64_t> order(static_cast<size_t>(classes));
  for (int64_t row = 0; row < rows; ++row) {
    std::iota(order.begin(), order.end(), 0);
    const auto is_better = [&](int64_t a, int64_t b) {
      const double x = ScoreAt(scores, row * classes + a);
      const double y = ScoreAt(scores, row * classes + b);
      if (std::isnan(x) || std::isnan(y)) return std::isnan(y) && (!std::isnan(x) || a < b);
      return x > y || (x == y && a < b);
    };
    std::partial_sort(order.begin(), order.begin() + shown, order.end(), is_better);
    for (int64_t k = 0; k < shown; ++k) {
      const int64_t of_class = order[static_cast<size_t>(k)];
      places.push_back({row, k + 1, of_class, ScoreAt(scores, row * classes + of_class)});
    }
  }
  return places;
}

std::string TopClasses::ToText(const std::string& name, const Tensor& scores) const {
  const bool has_rows = RowsOf(scores) > 1;
  std::vector<std::string> headings = {">rank", ">class", "label", ">score"};
  if (labels_.empty()) headings.erase(headings.begin() + 2);
  if (has_rows) headings.insert(headings.begin(), ">row");
  Table table(headings);
  for (const Place& place : Rank(scores)) {
    std::vector<std::string> cells;
    if (has_rows) cells.push_back(absl::StrCat(place.row));
    cells.push_back(absl::StrCat(place.rank));
    cells.push_back(absl::StrCat(place.of_class));
    if (!labels_.empty()) {
      cells.push_back(Printable(Shortened(labels_[static_cast<size_t>(place.of_class)], 50)));
    }
    cells.push_back(absl::StrFormat("%.4g", place.score));
    table.Add(std::move(cells));
  }
  return absl::StrCat(Printable(name), ": ", scores.TypeAndShape(), "\n", table.ToString("  "));
}

void TopClasses::ToJson(const Tensor& scores, JsonWriter* json) const {
  json->Key("top").BeginArray();
  for (const Place& place : Rank(scores)) {
    json->BeginObject();
    json->Field("row", place.row).Field("rank", place.rank).Field("class", place.of_class);
    if (!labels_.empty()) json->Field("label", labels_[static_cast<size_t>(place.of_class)]);
    json->Field("score", place.score).EndObject();
  }
  json->EndArray();
}

}  // namespace doppio::tools
