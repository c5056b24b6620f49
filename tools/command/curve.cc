#include "tools/command/curve.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace doppio::tools {
namespace {

constexpr char kTest[] = "test_";
constexpr int kWidth = 800;
constexpr int kPanelHeight = 260;
constexpr int kLeft = 70;
constexpr int kRight = 150;  // room for the names
constexpr int kTop = 24;
constexpr int kBottom = 36;
constexpr size_t kMostPoints = 400;  // of a line; more are joined
constexpr uint32_t kColors[] = {0x3465a4, 0xcc5500, 0x2e8b57, 0x8b3a8b, 0xa08000, 0x555555};
constexpr uint32_t kBlack = 0;
constexpr uint32_t kGrid = 0xdddddd;

struct Trace {
  std::string name;
  Points points;
};

// As many neighbours joined to their mean as there are too many.
Points Joined(const Points& points) {
  const size_t group = (points.size() + kMostPoints - 1) / kMostPoints;
  if (group <= 1) return points;
  Points joined;
  for (size_t i = 0; i < points.size(); i += group) {
    const size_t end = std::min(points.size(), i + group);
    double x = 0, y = 0;
    for (size_t k = i; k < end; ++k) {
      x += points[k].first;
      y += points[k].second;
    }
    const auto count = static_cast<double>(end - i);
    joined.emplace_back(x / count, y / count);
  }
  return joined;
}

// 1, 2 or 5 times a power of ten: about five of them in `range`.
double NiceStep(double range) {
  const double power = std::pow(10, std::floor(std::log10(range / 5)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (power * factor * 5 >= range) return power * factor;
  }
  return power * 10;
}

void DrawPanel(const std::vector<Trace>& lines, int top, double last, Canvas* canvas) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Trace& line : lines) {
    for (const auto& [x, y] : line.points) {
      low = std::min(low, y);
      high = std::max(high, y);
    }
  }
  if (!(low <= high)) return;
  if (high - low < 1e-9 * std::max(1.0, std::abs(high))) {
    low -= 0.5;
    high += 0.5;
  }
  const int bottom = top + kPanelHeight - kBottom;
  const int right = kWidth - kRight;
  const auto x_of = [&](double x) { return kLeft + (right - kLeft) * x / std::max(last, 1.0); };
  const auto y_of = [&](double y) {
    return bottom - (bottom - top - kTop) * (y - low) / (high - low);
  };
  const double step = NiceStep(high - low);
  for (double y = std::ceil(low / step) * step; y <= high + step * 1e-6; y += step) {
    canvas->Line({{kLeft, y_of(y)}, {right, y_of(y)}}, kGrid, 1);
    canvas->Text(kLeft - 8, y_of(y) + 4, Anchor::kEnd, kBlack,
                 absl::StrFormat("%g", std::abs(y) < step * 1e-6 ? 0.0 : y));
  }
  const double x_step = NiceStep(std::max(last, 1.0));
  for (double x = 0; x <= last + x_step * 1e-6; x += x_step) {
    canvas->Text(x_of(x), bottom + 18, Anchor::kMiddle, kBlack, absl::StrFormat("%g", x));
  }
  canvas->Line({{kLeft, top + kTop}, {kLeft, bottom}, {right, bottom}}, kBlack, 1);
  canvas->Text(right, bottom + 32, Anchor::kEnd, kBlack, "iteration");
  for (size_t i = 0; i < lines.size(); ++i) {
    const uint32_t color = kColors[i % (sizeof(kColors) / sizeof(kColors[0]))];
    Points points;
    for (const auto& [x, y] : Joined(lines[i].points)) points.emplace_back(x_of(x), y_of(y));
    canvas->Line(points, color, 1.5);
    canvas->Text(right + 10, top + kTop + 16 + 18 * static_cast<int>(i), Anchor::kStart, color,
                 lines[i].name);
  }
}

}  // namespace

Curve::Curve(std::vector<std::string> of_steps, std::vector<std::string> of_tests)
    : of_steps_(std::move(of_steps)), of_tests_(std::move(of_tests)) {}

std::vector<std::string> Curve::Columns() const {
  std::vector<std::string> columns = of_steps_;
  for (const std::string& name : of_tests_) columns.push_back(kTest + name);
  return columns;
}

std::string Curve::Line(const Row& row) const {
  std::string line = absl::StrCat(row.iteration, ",", row.epoch);
  for (const std::string& column : Columns()) {
    const auto found = row.numbers.find(column);
    line += ',';
    if (found != row.numbers.end()) absl::StrAppendFormat(&line, "%.9g", found->second);
  }
  return line + "\n";
}

absl::Status Curve::Open(const std::string& path, int64_t iteration) {
  if (iteration > 0) DOPPIO_RETURN_IF_ERROR(Read(path, iteration));
  path_ = path;
  file_.open(path, std::ios::trunc);
  file_ << "iteration,epoch," << absl::StrJoin(Columns(), ",") << "\n";
  WriteAllButLast();
  file_.flush();
  return file_ ? absl::OkStatus()
               : absl::PermissionDeniedError(absl::StrCat(path, ": cannot write"));
}

// Rows of the same columns; a file of others, or none, is begun anew.
absl::Status Curve::Read(const std::string& path, int64_t iteration) {
  std::ifstream in(path);
  std::string text;
  if (!std::getline(in, text) || text != "iteration,epoch," + absl::StrJoin(Columns(), ",")) {
    return absl::OkStatus();
  }
  while (std::getline(in, text)) {
    const std::vector<std::string> cells = absl::StrSplit(text, ',');
    Row row;
    if (cells.size() != Columns().size() + 2 || !absl::SimpleAtoi(cells[0], &row.iteration) ||
        !absl::SimpleAtoi(cells[1], &row.epoch) || row.iteration > iteration) {
      break;
    }
    for (size_t i = 2; i < cells.size(); ++i) {
      double number;
      if (absl::SimpleAtod(cells[i], &number)) row.numbers[Columns()[i - 2]] = number;
    }
    rows_.push_back(std::move(row));
  }
  return absl::OkStatus();
}

void Curve::WriteAllButLast() {
  for (; file_.is_open() && written_ + 1 < rows_.size(); ++written_) file_ << Line(rows_[written_]);
}

void Curve::Add(const TrainStep& step) {
  Row row;
  row.iteration = step.iteration;
  row.epoch = step.epoch;
  row.numbers = step.metrics;
  row.numbers[of_steps_[0]] = step.loss;
  rows_.push_back(std::move(row));
  WriteAllButLast();
}

void Curve::Add(const Evaluation& evaluation) {
  if (rows_.empty() || rows_.back().iteration != evaluation.iteration) return;
  for (const auto& [name, number] : evaluation.metrics) rows_.back().numbers[kTest + name] = number;
}

absl::Status Curve::Finish() {
  if (!file_.is_open()) return absl::OkStatus();
  WriteAllButLast();
  if (written_ < rows_.size()) file_ << Line(rows_[written_++]);
  file_.close();
  return file_ ? absl::OkStatus() : absl::DataLossError(absl::StrCat(path_, ": cannot write"));
}

Curve::MakeCanvas Curve::CanvasFor(const std::string& path) {
  if (absl::EndsWithIgnoreCase(path, ".svg")) return &MakeSvgCanvas;
  return absl::EndsWithIgnoreCase(path, ".png") ? &MakePngCanvas : nullptr;
}

bool Curve::CanDraw(const std::string& path) { return CanvasFor(path) != nullptr; }

absl::Status Curve::Draw(const std::string& path) const {
  DOPPIO_ASSIGN_OR_RETURN(const std::string content, Picture(CanvasFor(path)));
  // Beside the last one, which stays where this one can not be written whole.
  const std::string beside = path + ".tmp";
  std::ofstream out(beside, std::ios::trunc | std::ios::binary);
  out << content;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(beside, path, error);
  if (out && !error) return absl::OkStatus();
  std::filesystem::remove(beside, error);
  return absl::PermissionDeniedError(absl::StrCat(path, ": cannot write"));
}

absl::StatusOr<std::string> Curve::Picture(MakeCanvas make) const {
  std::vector<Trace> losses, others;
  for (const std::string& column : Columns()) {
    Trace line{column, {}};
    for (const Row& row : rows_) {
      const auto found = row.numbers.find(column);
      if (found == row.numbers.end() || !std::isfinite(found->second)) continue;
      line.points.emplace_back(static_cast<double>(row.iteration), found->second);
    }
    const bool is_loss = column == of_steps_[0] || column == kTest + of_steps_[0];
    if (!line.points.empty()) (is_loss ? losses : others).push_back(std::move(line));
  }
  const double last = rows_.empty() ? 1 : static_cast<double>(rows_.back().iteration);
  const int height = kPanelHeight * (others.empty() ? 1 : 2);
  const std::unique_ptr<Canvas> canvas = make(kWidth, height);
  DrawPanel(losses, 0, last, canvas.get());
  DrawPanel(others, kPanelHeight, last, canvas.get());
  return canvas->Finish();
}

}  // namespace doppio::tools
