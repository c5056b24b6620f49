#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "doppio/check.h"
#include "doppio/optimize.h"
#include "doppio/registry.h"
#include "src/graph/rewriting.h"

namespace doppio {
namespace {

int64_t BytesOf(const TensorInfo& info) {
  if (!info.IsKnown()) return 0;
  const absl::StatusOr<int64_t> elements = NumElements(*info.dims);
  const int64_t size = static_cast<int64_t>(DataTypeSize(info.dtype));
  if (!elements.ok() || *elements > std::numeric_limits<int64_t>::max() / 1024) return 0;
  return *elements * size;
}

// Gives its input another shape, and in place does nothing else.
bool GivesAnotherShape(const OperatorDef& op) {
  return op.type() == "Reshape" || op.type() == "Squeeze" || op.type() == "ExpandDims";
}

// Whether inference says that output o has input i's shape and type when that input has `dims`.
// Where it fails, so does a run, unless it failed for a type that is not known: that of another
// input is tried then.
bool HasShapeOfInput(const OperatorDef& op, std::vector<TensorInfo> inputs, int i, int o,
                     const Dims& dims) {
  TensorInfo& input = inputs[i];
  input.value.reset();
  input.dims = dims;
  const bool is_guess = input.dtype == DataType::kUndefined;
  for (const TensorInfo& other : inputs) {
    if (input.dtype == DataType::kUndefined) input.dtype = other.dtype;
  }
  if (input.dtype == DataType::kUndefined) input.dtype = DataType::kFloat;
  const DataType dtype = input.dtype;
  const auto outputs = OpSchemaRegistry::Schema(op.type())->Infer(op, std::move(inputs));
  if (!outputs.ok()) return !is_guess;
  return (*outputs)[o].dims == dims && (*outputs)[o].dtype == dtype;
}

// A buffer is a blob that takes one value after another.
struct Buffer {
  std::string name;
  bool blocked;  // holds blocked tensors: a blob holds values of one type
  int64_t bytes;
};

class Planner {
 public:
  Planner(const NetDef& net, const NetInference& inference, const BlobInfos& known,
          const std::vector<std::string>& keep, bool for_any_shapes)
      : net_(net),
        inference_(inference),
        for_any_shapes_(for_any_shapes),
        fixed_(keep.begin(), keep.end()) {
    for (const auto& [blob, info] : known) {
      if (fixed_.count(blob) == 0) constants_.insert(blob);
    }
    FindLifetimes();
  }

  MemoryPlan Run() {
    MemoryPlan plan;
    plan.net = net_;
    for (int k = 0; k < net_.op_size(); ++k) {
      OperatorDef* op = plan.net.mutable_op(k);
      for (std::string& input : *op->mutable_input()) {
        const auto place = place_.find(input);
        if (place != place_.end()) input = buffers_[place->second].name;
      }
      for (int o = 0; o < op->output_size(); ++o) {
        const int64_t bytes = BytesOf(inference_.ops[k].outputs[o]);
        plan.bytes_before += bytes;
        if (!IsFree(op->output(o))) {
          plan.bytes_after += bytes;
          continue;
        }
        const int buffer = Choose(k, o, bytes);
        place_[op->output(o)] = buffer;
        *op->mutable_output(o) = buffers_[buffer].name;
      }
      Release(k);
    }
    for (const Buffer& buffer : buffers_) plan.bytes_after += buffer.bytes;
    plan.for_these_shapes = !for_any_shapes_ && uses_equal_shapes_;
    return plan;
  }

 private:
  // Blobs whose whole life is in the net, that are written once, and that only operators see which
  // leave it to us where their blobs are.
  bool IsFree(const std::string& blob) const {
    const auto writes = writes_.find(blob);
    return fixed_.count(blob) == 0 && writes != writes_.end() && writes->second == 1;
  }

  void FindLifetimes() {
    std::set<std::string> seen;
    for (int k = 0; k < net_.op_size(); ++k) {
      const OperatorDef& op = net_.op(k);
      OperatorDef inner = op;
      inner.clear_input();
      inner.clear_output();
      const OpBlobs hidden = BlobsOfOp(inner);
      fixed_.insert(hidden.reads.begin(), hidden.reads.end());
      fixed_.insert(hidden.writes.begin(), hidden.writes.end());
      const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
      // What has no inputs may hand out the same constant again and again.
      if (schema == nullptr || schema->has_side_effects() || op.input_size() == 0) {
        fixed_.insert(op.input().begin(), op.input().end());
        fixed_.insert(op.output().begin(), op.output().end());
      }
      for (const std::string& input : op.input()) {
        if (writes_.count(input) == 0) fixed_.insert(input);  // comes from outside
        last_use_[input] = k;
      }
      for (const std::string& output : op.output()) {
        constants_.erase(output);
        ++writes_[output];
        last_use_[output] = k;
      }
    }
  }

  // The buffer for output o of operator k: one of an input that ends here, where the operator may
  // work in place, else the free one that fits best, else a new one.
  int Choose(int k, int o, int64_t bytes) {
    const OperatorDef& op = net_.op(k);
    const OpSchema* schema = OpSchemaRegistry::Schema(op.type());
    const bool blocked = absl::StartsWith(op.type(), kBlocked);
    for (int i = op.input_size() - 1; i >= 0; --i) {
      const auto place = place_.find(op.input(i));
      if (place == place_.end() || last_use_[op.input(i)] != k) continue;
      Buffer& buffer = buffers_[place->second];
      if (buffer.blocked != blocked || !schema->AllowsInplace(i, o)) continue;
      if (taken_.count(place->second) > 0 || ReadsPart(op, i)) continue;
      if (std::count(op.input().begin(), op.input().end(), op.input(i)) != 1) continue;
      if (!MayBeInPlace(k, i, o)) continue;
      taken_.insert(place->second);
      return place->second;
    }
    int best = -1;
    for (int b : free_) {
      if (buffers_[b].blocked == blocked && (best < 0 || Waste(b, bytes) < Waste(best, bytes))) {
        best = b;
      }
    }
    if (best >= 0) {
      free_.erase(best);
      buffers_[best].bytes = std::max(buffers_[best].bytes, bytes);
      return best;
    }
    buffers_.push_back({op.output(o), blocked, bytes});
    return static_cast<int>(buffers_.size()) - 1;
  }

  // An operator that may work in place may still refuse to where shape or type change.
  bool MayBeInPlace(int k, int i, int o) {
    const OperatorDef& op = net_.op(k);
    if (GivesAnotherShape(op) || AlwaysHasShapeOfInput(k, i, o)) return true;
    const TensorInfo& input = inference_.ops[k].inputs[i];
    const TensorInfo& output = inference_.ops[k].outputs[o];
    const bool is_equal = output.IsKnown() && input.IsKnown() && output.dims == input.dims &&
                          output.dtype == input.dtype;
    if (!is_equal || for_any_shapes_) return false;
    uses_equal_shapes_ = true;
    return true;
  }

  // Whether output o of operator k has the shape of its input i in every run. An operand that is
  // broadcast in another run shows when the others are larger than it is.
  bool AlwaysHasShapeOfInput(int k, int i, int o) const {
    const OperatorDef& op = net_.op(k);
    // Where one takes several images (a Sum is part of a convolution), they must be of one shape.
    if (absl::StartsWith(op.type(), kBlocked)) return true;
    std::vector<TensorInfo> inputs = inference_.ops[k].inputs;
    const size_t rank = inputs[i].dims.has_value() ? inputs[i].dims->size() : 1;
    for (int j = 0; j < op.input_size(); ++j) {
      if (constants_.count(op.input(j)) > 0) continue;
      inputs[j].dims = Dims(rank + 1, 2);
      inputs[j].value.reset();
    }
    return HasShapeOfInput(op, inputs, i, o, Dims(rank, 1)) &&
           HasShapeOfInput(op, inputs, i, o, Dims());
  }

  // What is lost by putting `bytes` into a buffer: what it must grow by, or what of it stays
  // unused.
  int64_t Waste(int buffer, int64_t bytes) const {
    const int64_t have = buffers_[buffer].bytes;
    return have >= bytes ? have - bytes : bytes - have;
  }

  void Release(int k) {
    const OperatorDef& op = net_.op(k);
    std::set<std::string> ended(op.input().begin(), op.input().end());
    ended.insert(op.output().begin(), op.output().end());
    for (const std::string& blob : ended) {
      const auto place = place_.find(blob);
      if (place == place_.end() || last_use_[blob] != k) continue;
      // Handed on to an output of this operator, which lives longer.
      const bool handed_on =
          std::any_of(op.output().begin(), op.output().end(), [&](const std::string& output) {
            const auto other = place_.find(output);
            return output != blob && other != place_.end() && other->second == place->second &&
                   last_use_[output] != k;
          });
      if (!handed_on) free_.insert(place->second);
    }
    taken_.clear();
  }

  const NetDef& net_;
  const NetInference& inference_;
  const bool for_any_shapes_;
  bool uses_equal_shapes_ = false;  // of blobs whose shapes need not be equal in another run
  std::set<std::string> fixed_;
  std::set<std::string> constants_;  // weights
  std::map<std::string, int> writes_;
  std::map<std::string, int> last_use_;
  std::map<std::string, int> place_;  // of each blob that has been made: its buffer
  std::vector<Buffer> buffers_;
  std::set<int> free_;
  std::set<int> taken_;  // handed on by the operator at hand
};

}  // namespace

absl::StatusOr<MemoryPlan> PlanMemory(const NetDef& net, const BlobInfos& known,
                                      const std::vector<std::string>& keep, bool for_any_shapes) {
  DOPPIO_ASSIGN_OR_RETURN(const NetInference inference, InferNet(net, known));
  return Planner(net, inference, known, keep, for_any_shapes).Run();
}

}  // namespace doppio
