#ifndef DOPPIO_TOOLS_COMMAND_TOP_H_
#define DOPPIO_TOOLS_COMMAND_TOP_H_

// Classifications: which classes have the largest scores, and what they are called.

#include <string>
#include <vector>

#include "doppio/tensor.h"
#include "tools/command/command.h"
#include "tools/command/json.h"

namespace doppio::tools {

class TopClasses {
 public:
  void AddOptions(Options* options);
  // Reads the labels. Comes before everything else.
  absl::Status Load();

  bool is_asked() const { return count_ > 0; }
  // One row of scores, or one for each of a batch: float or double [classes] or [batch, classes],
  // where dimensions of 1 may follow.
  static bool IsClassification(const Tensor& tensor);
  // InvalidArgument unless there are as many labels as classes, where there are labels.
  absl::Status Check(const std::string& name, const Tensor& scores) const;

  // A table of rank, class, label and score.
  std::string ToText(const std::string& name, const Tensor& scores) const;
  // The same as a field "top" of an object that is open.
  void ToJson(const Tensor& scores, JsonWriter* json) const;

 private:
  struct Place {
    int64_t row;
    int64_t rank;
    int64_t of_class;
    double score;
  };
  std::vector<Place> Rank(const Tensor& scores) const;

  int count_ = 0;
  std::string labels_file_;
  std::vector<std::string> labels_;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_TOP_H_
