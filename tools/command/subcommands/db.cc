#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "doppio/database.h"
#include "tools/command/command.h"
#include "tools/command/database_maker.h"
#include "tools/command/database_record.h"
#include "tools/command/json.h"
#include "tools/command/progress.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

const std::vector<std::string> kTypes = {"minidb", "leveldb", "lmdb"};
constexpr size_t kShownLabels = 20;
constexpr size_t kShownProblems = 10;

std::string WithoutSlashes(const std::string& path) {
  absl::string_view text = path;
  while (text.size() > 1 && absl::ConsumeSuffix(&text, "/")) {
  }
  return std::string(text);
}

// "train.lmdb", "train_lmdb".
absl::StatusOr<std::string> TypeFor(const std::string& path, const std::string& type) {
  if (!type.empty()) return type;
  for (const std::string& known : kTypes) {
    if (absl::EndsWithIgnoreCase(path, known)) return known;
  }
  return UsageError(absl::StrCat(path, ": give --type ", absl::StrJoin(kTypes, ", "),
                                 ", or a name that ends in one of them"));
}

// What all records of a database have.
struct Survey {
  int64_t records = 0;
  int64_t bytes = 0;  // of the values
  std::string first_key;
  std::string last_key;
  RecordContent first;
  std::vector<std::set<std::string>> types;   // of each part, in all records
  std::vector<std::set<std::string>> shapes;  // the same
  std::map<double, int64_t> labels;
  std::vector<std::string> problems;  // the first ones
  int64_t problem_count = 0;

  void Add(absl::string_view key, const std::string& value, bool decodes) {
    last_key = std::string(key);
    bytes += static_cast<int64_t>(value.size());
    if (records++ == 0) first_key = last_key;
    const absl::StatusOr<RecordContent> content = ReadRecord(key, value, decodes);
    if (!content.ok())
      return AddProblem(absl::StrCat("can not be read: ", content.status().message()));
    if (types.empty()) {
      first = *content;
      types.resize(first.parts.size());
      shapes.resize(first.parts.size());
    }
    if (content->label) ++labels[*content->label];
    const std::string difference = Difference(first, *content);
    if (!difference.empty()) return AddProblem(difference);
    for (size_t i = 0; i < types.size(); ++i) {
      types[i].insert(content->parts[i].type);
      // Every list of labels may have its own; a few of them will do.
      if (shapes[i].size() < 3) shapes[i].insert(content->parts[i].shape);
    }
  }

 private:
  void AddProblem(absl::string_view what) {
    ++problem_count;
    if (problems.size() < kShownProblems) {
      problems.push_back(absl::StrCat("record ", records - 1, " \"", last_key, "\" ", what));
    }
  }
};

// Numbers that are whole are shown so.
std::string LabelText(double label) { return absl::StrCat(label); }

class DbCommand final : public Command {
 public:
  void AddOptions(Options* options) override {
    options->AddPositional("ACTION", &action_, "make, show or check");
    options->AddPositional("PATH", &path_, "the database");
    options->AddList("--from", &from_, "FILE",
                     "make: arrays whose rows are the records: an .npz, or NAME=FILE.npy");
    options->AddText("--pictures", &pictures_, "FOLDER",
                     "make: pictures (PNG, JPEG) in folders of FOLDER, one for each class");
    options->AddChoice("--type", &type_, kTypes, "TYPE",
                       "minidb, leveldb or lmdb; default: as the name ends");
    options->AddSeed("--seed", &seed_, "make: shuffles the records; the same seed, the same order");
    options->AddPair("--split", &split_, "PART OTHER",
                     "make: a part of the records, 0.2 say, goes into the database OTHER: the last "
                     "ones, after the shuffling");
    options->AddText("--labels", &labels_, "FILE",
                     "make --pictures: file for the names of the classes, one a line; default: "
                     "labels.txt beside the database");
    options->AddFlag("--json", &json_, "show, check: as JSON");
  }

  absl::Status Run() override {
    path_ = WithoutSlashes(path_);
    const bool is_make = action_ == "make";
    if (!is_make && action_ != "show" && action_ != "check") {
      return UsageError(absl::StrCat("no such action: ", action_, "; there are make, show, check"));
    }
    if (!is_make &&
        !(from_.empty() && pictures_.empty() && !seed_ && split_.empty() && labels_.empty())) {
      return UsageError("--from, --pictures, --seed, --split and --labels go with make");
    }
    if (is_make && json_) return UsageError("--json goes with show and check");
    return is_make ? Make() : action_ == "show" ? Show() : Check();
  }

 private:
  // --- make ---

  absl::Status Make() {
    if (from_.empty() == pictures_.empty()) {
      return UsageError("give --from FILE, once or more, or --pictures FOLDER");
    }
    if (pictures_.empty() && !labels_.empty()) return UsageError("--labels goes with --pictures");
    std::vector<NewDatabase> databases(1);
    databases[0].path = path_;
    DOPPIO_ASSIGN_OR_RETURN(databases[0].type, TypeFor(path_, type_));
    if (!split_.empty()) {
      databases.emplace_back();
      databases[1].path = WithoutSlashes(split_[1]);
      DOPPIO_ASSIGN_OR_RETURN(databases[1].type, TypeFor(databases[1].path, type_));
      if (std::filesystem::weakly_canonical(path_) ==
          std::filesystem::weakly_canonical(databases[1].path)) {
        return UsageError(absl::StrCat("both databases would be ", path_));
      }
    }
    DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<RecordMaker> maker,
                            pictures_.empty() ? RowsOfArrays(from_) : PicturesOfFolder(pictures_));
    DOPPIO_RETURN_IF_ERROR(Distribute(maker->size(), &databases));
    DOPPIO_RETURN_IF_ERROR(CheckLabelsFile(*maker));
    DOPPIO_RETURN_IF_ERROR(MakeDatabases(*maker, databases));
    for (const NewDatabase& database : databases) {
      Print(absl::StrCat(Counted(static_cast<int64_t>(database.records.size()), "record"), " -> ",
                         database.path, " (", database.type, ")\n"));
    }
    if (!maker->LeftOut().empty()) Print(maker->LeftOut() + "\n");
    return WriteLabels(*maker);
  }

  absl::Status Distribute(int64_t count, std::vector<NewDatabase>* databases) const {
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), int64_t{0});
    if (seed_) {
      std::mt19937_64 random(*seed_);
      for (size_t left = order.size(); left > 1; --left) {
        std::swap(order[left - 1], order[random() % left]);
      }
    }
    size_t kept = order.size();
    if (databases->size() > 1) {
      double part = 0;
      if (!absl::SimpleAtod(split_[0], &part) || !(part > 0 && part < 1)) {
        return UsageError(absl::StrCat("--split ", split_[0], ": must be above 0 and below 1"));
      }
      kept -= static_cast<size_t>(part * static_cast<double>(count) + 0.5);
      if (kept == 0 || kept == order.size()) {
        return absl::InvalidArgumentError(absl::StrCat("--split ", split_[0], " of ",
                                                       Counted(count, "record"),
                                                       " leaves one of both databases empty"));
      }
      (*databases)[1].records.assign(order.begin() + static_cast<std::ptrdiff_t>(kept),
                                     order.end());
    }
    order.resize(kept);
    (*databases)[0].records = std::move(order);
    return absl::OkStatus();
  }

  std::string LabelsPath() const {
    if (!labels_.empty()) return labels_;
    return (std::filesystem::path(path_).parent_path() / "labels.txt").string();
  }

  static std::string LabelsText(const RecordMaker& maker) {
    std::string text;
    for (const std::string& name : maker.Classes()) absl::StrAppend(&text, name, "\n");
    return text;
  }

  // Names of other classes, which somebody needs, are not lost.
  absl::Status CheckLabelsFile(const RecordMaker& maker) const {
    if (maker.Classes().empty() || !labels_.empty()) return absl::OkStatus();
    std::ifstream file(LabelsPath(), std::ios::binary);
    if (!file) return absl::OkStatus();
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    if (text == LabelsText(maker)) return absl::OkStatus();
    return absl::AlreadyExistsError(absl::StrCat(
        LabelsPath(), " is there, with other classes; name another file with --labels"));
  }

  absl::Status WriteLabels(const RecordMaker& maker) const {
    const std::vector<std::string> classes = maker.Classes();
    if (classes.empty()) return absl::OkStatus();
    const std::string path = LabelsPath();
    std::ofstream file(path, std::ios::binary);
    file << LabelsText(maker);
    file.close();
    if (!file) return absl::UnavailableError(absl::StrCat("can not write ", path));
    const auto count = static_cast<int64_t>(classes.size());
    Print(
        absl::StrCat(count == 1 ? "1 class" : absl::StrCat(count, " classes"), " -> ", path, "\n"));
    return absl::OkStatus();
  }

  // --- show and check ---

  absl::StatusOr<Survey> SurveyOf(bool decodes) {
    if (type_.empty()) {
      DOPPIO_ASSIGN_OR_RETURN(type_, DetectDatabaseType(path_));
    }
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<Database> database,
                            OpenDatabase(type_, path_, DatabaseMode::kRead));
    DOPPIO_ASSIGN_OR_RETURN(const int64_t count, CountRecords(database.get()));
    Progress progress("reading records", count);
    Survey survey;
    DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<DatabaseCursor> cursor, database->NewCursor());
    while (cursor->Valid()) {
      survey.Add(cursor->Key(), std::string(cursor->Value()), decodes);
      progress.Advance();
      DOPPIO_RETURN_IF_ERROR(cursor->Next());
    }
    return survey;
  }

  static absl::StatusOr<int64_t> CountRecords(Database* database) {
    DOPPIO_ASSIGN_OR_RETURN(const std::unique_ptr<DatabaseCursor> cursor, database->NewCursor());
    int64_t count = 0;
    for (; cursor->Valid(); ++count) DOPPIO_RETURN_IF_ERROR(cursor->Next());
    return count;
  }

  absl::Status Show() {
    DOPPIO_ASSIGN_OR_RETURN(const Survey survey, SurveyOf(/*decodes=*/false));
    Print(json_ ? Json(survey, /*is_check=*/false) : Text(survey));
    return absl::OkStatus();
  }

  absl::Status Check() {
    DOPPIO_ASSIGN_OR_RETURN(const Survey survey, SurveyOf(/*decodes=*/true));
    if (json_) {
      Print(Json(survey, /*is_check=*/true));
    } else {
      std::string text;
      for (const std::string& problem : survey.problems) {
        absl::StrAppend(&text, Printable(problem), "\n");
      }
      const int64_t more = survey.problem_count - static_cast<int64_t>(survey.problems.size());
      if (more > 0) absl::StrAppend(&text, more, " more\n");
      absl::StrAppend(
          &text, Headline(survey), ", ",
          survey.problem_count == 0 ? "no problem" : Counted(survey.problem_count, "problem"),
          "\n");
      Print(text);
    }
    return survey.problem_count == 0 ? absl::OkStatus() : AlreadyReported();
  }

  std::string Headline(const Survey& survey) const {
    return absl::StrCat(Printable(path_), ": ", type_, ", ", Counted(survey.records, "record"));
  }

  static std::string Joined(const std::set<std::string>& texts) {
    return texts.size() > 2 ? "varies" : absl::StrJoin(texts, ", ");
  }

  std::string Text(const Survey& survey) const {
    std::string text = absl::StrCat(Headline(survey), " of ", RecordKindName(survey.first.kind),
                                    ", values ", HumanBytes(survey.bytes), "\n");
    if (survey.records == 0) return absl::StrCat(Headline(survey), "\n");
    absl::StrAppend(&text, "  keys: \"", Printable(survey.first_key), "\" to \"",
                    Printable(survey.last_key), "\"\n");
    if (survey.first.kind == RecordKind::kBlob) {
      return absl::StrCat(text, "  a checkpoint: doppio inspect shows its blobs\n");
    }
    Table parts({"tensor", "name", "type", "shape"});
    for (size_t i = 0; i < survey.types.size(); ++i) {
      parts.Add({absl::StrCat(i), survey.first.parts[i].name, Joined(survey.types[i]),
                 Joined(survey.shapes[i])});
    }
    absl::StrAppend(&text, parts.ToString("  "));
    if (!survey.labels.empty()) absl::StrAppend(&text, Labels(survey));
    if (survey.problem_count > 0) {
      absl::StrAppend(&text, "  ", Counted(survey.problem_count, "problem"),
                      "; doppio db check tells them\n");
    }
    return text;
  }

  static std::string Labels(const Survey& survey) {
    Table table({">label", ">records"});
    size_t shown = 0;
    for (const auto& [label, count] : survey.labels) {
      if (shown++ == kShownLabels) break;
      table.Add({LabelText(label), absl::StrCat(count)});
    }
    std::string text = table.ToString("  ");
    if (survey.labels.size() > kShownLabels) {
      absl::StrAppend(&text, "  ", survey.labels.size() - kShownLabels, " more\n");
    }
    return text;
  }

  std::string Json(const Survey& survey, bool is_check) const {
    JsonWriter json;
    json.BeginObject().Field("path", path_).Field("type", type_);
    json.Field("records", survey.records).Field("bytes", survey.bytes);
    if (survey.records > 0) {
      json.Field("first_key", survey.first_key).Field("last_key", survey.last_key);
      json.Field("value", RecordKindName(survey.first.kind)).Key("tensors").BeginArray();
      for (size_t i = 0; i < survey.types.size(); ++i) {
        json.BeginObject().Field("name", survey.first.parts[i].name);
        json.ListField("types", survey.types[i]).ListField("shapes", survey.shapes[i]).EndObject();
      }
      json.EndArray().Key("labels").BeginObject();
      for (const auto& [label, count] : survey.labels) json.Field(LabelText(label), count);
      json.EndObject();
    }
    if (is_check) json.Field("ok", survey.problem_count == 0);
    json.Field("problem_count", survey.problem_count).ListField("problems", survey.problems);
    return json.EndObject().Finish();
  }

  std::string action_;
  std::string path_;
  std::vector<std::string> from_;
  std::string pictures_;
  std::string type_;
  std::optional<uint64_t> seed_;
  std::vector<std::string> split_;
  std::string labels_;
  bool json_ = false;
};

DOPPIO_COMMAND(DbCommand, "db", "Make, show and check databases of examples",
               "  doppio db make train.lmdb --from digits.npz --seed 1 --split 0.2 test.lmdb\n"
               "  doppio db make train.minidb --from data=x.npy --from label=y.npy\n"
               "  doppio db make cats.lmdb --pictures photos --seed 1\n"
               "  doppio db show train.lmdb\n"
               "  doppio db check train.lmdb\n");

}  // namespace
}  // namespace doppio::tools
