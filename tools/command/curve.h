#ifndef DOPPIO_TOOLS_COMMAND_CURVE_H_
#define DOPPIO_TOOLS_COMMAND_CURVE_H_

// How a training went: a file of comma-separated values that grows with it, and a picture at its
// end.

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "doppio/trainer.h"
#include "tools/command/canvas.h"

namespace doppio::tools {

class Curve {
 public:
  // Numbers that every step has, first the loss, and those that evaluations have, which stand in
  // columns "test_...".
  Curve(std::vector<std::string> of_steps, std::vector<std::string> of_tests);

  // Writes to `path` from here on. Where the training goes on after `iteration`, what the file has
  // of the iterations up to there stays.
  absl::Status Open(const std::string& path, int64_t iteration);

  void Add(const TrainStep& step);
  void Add(const Evaluation& evaluation);
  // The last row is written when nothing more can be added to it.
  absl::Status Finish();

  // A picture, the losses and below the other numbers: .svg or .png, as the name says.
  static bool CanDraw(const std::string& path);
  absl::Status Draw(const std::string& path) const;

 private:
  struct Row {
    int64_t iteration = 0;
    int64_t epoch = 0;
    std::map<std::string, double> numbers;  // by column
  };

  using MakeCanvas = std::unique_ptr<Canvas> (*)(int width, int height);
  static MakeCanvas CanvasFor(const std::string& path);  // null for another ending

  std::vector<std::string> Columns() const;
  std::string Line(const Row& row) const;
  absl::StatusOr<std::string> Picture(MakeCanvas make) const;
  absl::Status Read(const std::string& path, int64_t iteration);
  void WriteAllButLast();

  std::vector<std::string> of_steps_;
  std::vector<std::string> of_tests_;
  std::string path_;
  std::ofstream file_;
  std::vector<Row> rows_;
  size_t written_ = 0;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_CURVE_H_
