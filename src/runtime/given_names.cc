#include "src/runtime/given_names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "src/graph/net_text.h"
#include "src/graph/rewriting.h"

namespace doppio {
namespace {

using Names = std::map<std::string, std::string>;

bool IsOfName(char c) { return absl::ascii_isalnum(c) || c == '_' || c == '@' || c == '/'; }

// `text` with all names replaced at once; with `quoted`, only where they stand in quotes.
std::string Replaced(absl::string_view text, const Names& names, bool quoted) {
  std::string result;
  size_t i = 0;
  while (i < text.size()) {
    const Names::value_type* longest = nullptr;
    const bool may_begin = i == 0 || (quoted ? text[i - 1] == '"' : !IsOfName(text[i - 1]));
    for (const auto& name : names) {
      if (!may_begin || text.substr(i, name.first.size()) != name.first) continue;
      const size_t end = i + name.first.size();
      const bool may_end = quoted ? end < text.size() && text[end] == '"'
                                  : end == text.size() || !IsOfName(text[end]);
      if (may_end && (longest == nullptr || longest->first.size() < name.first.size())) {
        longest = &name;
      }
    }
    if (longest == nullptr) {
      result += text[i++];
    } else {
      result += longest->second;
      i += longest->first.size();
    }
  }
  return result;
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    changed.SetPayload(type, payload);
  });
  return changed;
}

}  // namespace

GivenNames::GivenNames(const NetDef& given, std::map<std::string, std::string> made_from)
    : made_from_(std::move(made_from)) {
  for (const OperatorDef& op : given.op()) ops_.push_back(EndsOf(op));
}

GivenNames::OpEnds GivenNames::EndsOf(const OperatorDef& op) {
  const auto first = [](const auto& names, int k) { return k < names.size() ? names.Get(k) : ""; };
  return {op.type(), first(op.input(), 0), first(op.input(), 1), first(op.output(), 0)};
}

// By what it reads, the weights among it; where several read the same, by what it makes.
int GivenNames::IndexOf(const OperatorDef& op) const {
  const OpEnds ends = EndsOf(op);
  std::vector<int> readers, makers;
  for (int k = 0; k < static_cast<int>(ops_.size()); ++k) {
    if (ops_[k].type != ends.type) continue;
    if (ops_[k].input == ends.input && ops_[k].weights == ends.weights) readers.push_back(k);
    if (ops_[k].output == ends.output) makers.push_back(k);
  }
  if (readers.size() == 1) return readers[0];
  return makers.size() == 1 ? makers[0] : -1;
}

OperatorDef GivenNames::Given(const OperatorDef& op) const {
  OperatorDef given = op;
  const auto restore = [&](std::string* name) {
    const auto found = made_from_.find(*name);
    if (found != made_from_.end()) *name = found->second;
  };
  absl::string_view type = op.type();
  if (absl::ConsumePrefix(&type, kBlocked)) given.set_type(std::string(type));
  if (type == kPackedFc) given.set_type("FC");
  for (std::string& input : *given.mutable_input()) restore(&input);
  for (std::string& output : *given.mutable_output()) restore(&output);
  return given;
}

absl::Status GivenNames::Restore(const absl::Status& status) const {
  if (status.ok() || made_from_.empty()) return status;
  return WithMessage(status, Replaced(status.message(), made_from_, /*quoted=*/false));
}

absl::Status GivenNames::Restore(const absl::Status& status, const Net& net,
                                 const NetDef& rewritten) const {
  const int k = net.last_failed_operator();
  absl::string_view message = status.message();
  if (ops_.empty()) return status;  // it is run as it was given
  if (status.ok() || k < 0 || k >= rewritten.op_size() ||
      !absl::ConsumePrefix(&message, net.OpPlace(k))) {
    return Restore(status);
  }
  // A buffer has had other names in other operators; in this one, an input's comes first.
  const OperatorDef& run = net.def().op(k);
  const OperatorDef given = Given(rewritten.op(k));
  Names shared;
  for (int i = 0; i < run.input_size(); ++i) shared.emplace(run.input(i), given.input(i));
  for (int o = 0; o < run.output_size(); ++o) shared.emplace(run.output(o), given.output(o));
  return WithMessage(status, absl::StrCat(OpPlace(rewritten, IndexOf(given), given),
                                          Replaced(Replaced(message, shared, /*quoted=*/true),
                                                   made_from_, false)));
}

}  // namespace doppio
