#include <algorithm>

#include "absl/strings/match.h"
#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "src/graph/rewriting.h"

namespace doppio {
namespace {

// Channels that oneDNN's layouts keep together, at most: parts begin and end between them.
constexpr int64_t kBlock = 16;
// Of one buffer. More would take longer to find than they are worth.
constexpr size_t kMostParts = 4096;

constexpr char kReadChannels[] = "read_channels";
constexpr char kReadFromChannels[] = "read_from_channels";

// Some of the channels of a buffer.
struct Range {
  int64_t first_channel;
  int64_t channels;
};

// A blob in the buffer, and the operator that makes it.
struct Part {
  std::string blob;
  int writer;
  Range range;
};

bool IsConcatOfChannels(const OperatorDef& op) {
  const Argument* axis = FindArgument(op, "axis");
  return op.type() == "BlockedConcat" && (axis == nullptr || axis->i() == 1) &&
         FindArgument(op, kReadChannels) == nullptr;
}

// The blobs that a concatenation of channels puts together, those of concatenations among its
// inputs included; none where one comes twice.
std::vector<std::string> BlobsOf(const Rewriting& net, int concat_index) {
  std::vector<std::string> blobs;
  std::set<std::string> seen;
  std::vector<std::string> to_do = {net.ops[concat_index].output(0)};
  while (!to_do.empty()) {
    const std::string blob = std::move(to_do.back());
    to_do.pop_back();
    if (!seen.insert(blob).second || seen.size() + to_do.size() > kMostParts) return {};
    const int writer = net.Writer(blob);
    if (writer >= 0 && IsConcatOfChannels(net.ops[writer])) {
      const OperatorDef& concat = net.ops[writer];
      to_do.insert(to_do.end(), concat.input().rbegin(), concat.input().rend());
    } else {
      blobs.push_back(blob);
    }
  }
  return blobs;
}

// A buffer, and the concatenations whose results are ranges of it.
class ConcatBuffer {
 public:
  // The one that holds what ops[root] makes.
  ConcatBuffer(Rewriting* net, const std::map<std::string, int64_t>& outputs_of_weights, int root)
      : net_(net), outputs_of_weights_(outputs_of_weights), root_(root) {}

  // False where the concatenations are to stay as they are.
  bool Find() {
    if (!FindParts()) return false;
    FindMembers();
    const bool has_own = std::any_of(parts_.begin(), parts_.end(),
                                     [&](const Part& part) { return IsWrittenInPlace(part); });
    return has_own || members_.size() > 1;
  }

  void Use() {
    std::sort(parts_.begin(), parts_.end(),
              [](const Part& a, const Part& b) { return a.writer < b.writer; });
    std::map<int, OperatorDef> copies;  // by the operator that they follow
    std::string whole;
    std::vector<std::string> versions;  // of the buffer, after each part
    for (const Part& part : parts_) {
      OperatorDef* op = &net_->ops[part.writer];
      if (!IsWrittenInPlace(part)) {
        op = &copies[part.writer];
        *op = CreateOperatorDef("BlockedCopy", "", {part.blob}, {part.blob});
      }
      *op->add_arg() = MakeArgument<int64_t>("into_channels", channels_);
      *op->add_arg() = MakeArgument<int64_t>("first_channel", part.range.first_channel);
      if (!whole.empty()) {
        op->add_input(whole);
        *op->add_arg() = MakeArgument<bool>("continues", true);
      }
      const std::string& last = net_->ops[root_].output(0);
      whole = versions.size() + 1 == parts_.size() ? last : net_->NewName(last);
      op->set_output(0, whole);
      versions.push_back(whole);
    }
    for (const auto& [member, range] : members_) ReadFrom(versions, member, range);
    for (const auto& [member, range] : members_) net_->ops[member].clear_type();
    Insert(copies);
    net_->Compact();
  }

 private:
  bool FindParts() {
    for (const std::string& blob : BlobsOf(*net_, root_)) {
      const int64_t channels = ChannelsOf(blob);
      if (channels <= 0 || channels % kBlock != 0) return false;
      parts_.push_back({blob, net_->Writer(blob), {channels_, channels}});
      channels_ += channels;
    }
    return !parts_.empty();
  }

  // 0 where they are not known.
  int64_t ChannelsOf(std::string blob) const {
    for (;;) {
      const int writer = net_->Writer(blob);
      if (writer < 0) return 0;
      const OperatorDef& op = net_->ops[writer];
      if (const Argument* whole = FindArgument(op, "into_channels")) return whole->i();
      if (op.type() == "BlockedConv") {
        const auto outputs = outputs_of_weights_.find(op.input(1));
        return outputs == outputs_of_weights_.end() ? 0 : outputs->second;
      }
      // What may work in place keeps the shape, a pool the channels.
      const bool keeps = OpSchemaRegistry::Schema(op.type())->AllowsInplace(0, 0) ||
                         absl::EndsWith(op.type(), "Pool");
      if (!keeps) return 0;
      const Argument* read = FindArgument(op, kReadChannels);
      if (read != nullptr && read->ints_size() > 0 && read->ints(0) > 0) return read->ints(0);
      blob = op.input(0);
    }
  }

  void FindMembers() {
    std::map<std::string, size_t> places;  // of the parts
    std::vector<std::string> to_do;
    for (const Part& part : parts_) {
      places[part.blob] = to_do.size();
      to_do.push_back(part.blob);
    }
    std::set<int> seen;
    while (!to_do.empty()) {
      const std::string blob = std::move(to_do.back());
      to_do.pop_back();
      for (const int reader : net_->Readers(blob)) {
        if (!IsConcatOfChannels(net_->ops[reader]) || !seen.insert(reader).second) continue;
        const std::vector<std::string> blobs = BlobsOf(*net_, reader);
        const auto first = blobs.empty() ? places.end() : places.find(blobs[0]);
        if (first == places.end() || blobs.size() > parts_.size() - first->second) continue;
        const auto begin = parts_.begin() + static_cast<std::ptrdiff_t>(first->second);
        if (!std::equal(blobs.begin(), blobs.end(), begin,
                        [](const std::string& a, const Part& b) { return a == b.blob; })) {
          continue;
        }
        const Range& last = begin[static_cast<std::ptrdiff_t>(blobs.size()) - 1].range;
        const int64_t start = begin->range.first_channel;
        members_[reader] = {start, last.first_channel + last.channels - start};
        to_do.push_back(net_->ops[reader].output(0));
      }
    }
  }

  // Whether its operator, a convolution, can leave it where it belongs: nobody else reads it, and
  // the convolution does not itself read the buffer.
  bool IsWrittenInPlace(const Part& part) const {
    const OperatorDef& op = net_->ops[part.writer];
    if (op.type() != "BlockedConv" || !net_->IsInternal(part.blob)) return false;
    for (const char* use : {"sum", "into_channels"}) {
      if (FindArgument(op, use) != nullptr) return false;  // it writes into something else
    }
    const std::vector<int>& readers = net_->Readers(part.blob);
    const auto is_member = [&](int k) { return members_.count(k) > 0; };
    if (!std::all_of(readers.begin(), readers.end(), is_member)) return false;
    return std::none_of(op.input().begin(), op.input().end(),
                        [&](const std::string& input) { return is_member(net_->Writer(input)); });
  }

  // Who read the result of a concatenation now reads the buffer, as the last operator before it
  // left it: so it ends nowhere before its last part.
  void ReadFrom(const std::vector<std::string>& versions, int member, const Range& range) {
    const std::string& blob = net_->ops[member].output(0);
    for (const int reader : net_->Readers(blob)) {
      if (members_.count(reader) > 0) continue;
      const auto next = std::find_if(parts_.begin(), parts_.end(),
                                     [reader](const Part& part) { return part.writer >= reader; });
      const std::string& version = versions[static_cast<size_t>(next - parts_.begin()) - 1];
      OperatorDef& op = net_->ops[reader];
      for (int i = 0; i < op.input_size(); ++i) {
        if (op.input(i) != blob) continue;
        op.set_input(i, version);
        if (range.channels == channels_) continue;
        SetNumber(&op, kReadChannels, i, range.channels);
        SetNumber(&op, kReadFromChannels, i, range.first_channel);
      }
    }
  }

  // Number i of a list among the arguments; those before it are 0 where they are missing.
  static void SetNumber(OperatorDef* op, const std::string& name, int i, int64_t value) {
    auto* args = op->mutable_arg();
    auto arg = std::find_if(args->begin(), args->end(),
                            [&](const Argument& a) { return a.name() == name; });
    if (arg == args->end()) {
      op->add_arg()->set_name(name);
      arg = args->end() - 1;
    }
    while (arg->ints_size() <= i) arg->add_ints(0);
    arg->set_ints(i, value);
  }

  void Insert(const std::map<int, OperatorDef>& after) {
    std::vector<OperatorDef> before = std::move(net_->ops);
    net_->ops.clear();
    for (int k = 0; k < static_cast<int>(before.size()); ++k) {
      net_->ops.push_back(std::move(before[k]));
      const auto found = after.find(k);
      if (found != after.end()) net_->ops.push_back(found->second);
    }
  }

  Rewriting* net_;
  const std::map<std::string, int64_t>& outputs_of_weights_;
  const int root_;
  int64_t channels_ = 0;
  std::vector<Part> parts_;       // in the order of their channels
  std::map<int, Range> members_;  // concatenations, the root among them
};

}  // namespace

bool ReadsPart(const OperatorDef& op, int i) {
  const Argument* channels = FindArgument(op, kReadChannels);
  return channels != nullptr && i < channels->ints_size() && channels->ints(i) > 0;
}

absl::Status ConcatInPlace(Rewriting* net) {
  std::map<std::string, int64_t> outputs_of_weights;
  for (const OperatorDef& pack : net->prepare.op()) {
    outputs_of_weights[pack.output(0)] = net->Constant(pack.input(0))->dim(0);
  }
  // The last ones first, which have most parts.
  for (int k = static_cast<int>(net->ops.size()) - 1; k >= 0; --k) {
    if (k >= static_cast<int>(net->ops.size()) || !IsConcatOfChannels(net->ops[k])) continue;
    ConcatBuffer buffer(net, outputs_of_weights, k);
    if (!buffer.Find()) continue;
    const auto before = static_cast<int>(net->ops.size());
    buffer.Use();
    k += std::max(0, static_cast<int>(net->ops.size()) - before);  // so far they may have moved
  }
  return absl::OkStatus();
}

}  // namespace doppio
