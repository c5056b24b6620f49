// The half of op_docs.h that tells which of Caffe2's operators are there.
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "doppio/coverage.h"
#include "tools/command/op_docs.h"

namespace doppio::tools {
namespace {

struct Coverage {
  std::vector<std::string> there;
  std::vector<std::string> planned;
  std::map<std::string, std::vector<std::string>> left_out;  // by why
  size_t all = 0;
};

Coverage Sorted() {
  Coverage coverage;
  for (const Caffe2Operator& op : Caffe2Operators()) {
    ++coverage.all;
    if (op.is_there) {
      coverage.there.push_back(op.type);
    } else if (op.why_not == "planned") {
      coverage.planned.push_back(op.type);
    } else {
      coverage.left_out[op.why_not].push_back(op.type);
    }
  }
  return coverage;
}

std::string Summary(const Coverage& coverage) {
  return absl::StrFormat("Caffe2 registered %d operators for the CPU. doppio has %d of them.\n",
                         coverage.all, coverage.there.size());
}

}  // namespace

std::string CoverageToText() {
  const Coverage coverage = Sorted();
  std::string text = absl::StrCat(Summary(coverage), coverage.planned.size(), " are planned.\n");
  for (const auto& [why, types] : coverage.left_out) {
    absl::StrAppend(&text, "left out, ", why, ": ", absl::StrJoin(types, ", "), "\n");
  }
  return absl::StrCat(text, "`doppio ops --coverage --markdown` lists all of them.\n");
}

std::string CoverageToMarkdown() {
  const Coverage coverage = Sorted();
  std::string page = absl::StrCat(
      "# Operators of Caffe2\n\n", Summary(coverage),
      "Those of its tests and experiments, and those that imitate half floats of other machines, "
      "are "
      "not\ncounted. Operators of doppio alone are not listed here; [operators.md](operators.md) "
      "explains all.\n\nMade by `doppio ops --coverage --markdown`.\n");
  const auto list = [&](absl::string_view heading, const std::vector<std::string>& types) {
    absl::StrAppend(&page, "\n## ", heading, " (", types.size(), ")\n\n",
                    absl::StrJoin(types, ",\n"), "\n");
  };
  list("There", coverage.there);
  list("Planned", coverage.planned);
  absl::StrAppend(&page, "\n## Left out\n\n| operators | why not |\n| --- | --- |\n");
  for (const auto& [why, types] : coverage.left_out) {
    absl::StrAppend(&page, "| ", absl::StrJoin(types, ", "), " | ", why, " |\n");
  }
  return page;
}

}  // namespace doppio::tools
