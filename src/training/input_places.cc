#include "src/training/input_places.h"

#include <algorithm>
#include <map>

#include "doppio/check.h"
#include "doppio/database.h"
#include "doppio/op_def.h"
#include "src/runtime/input_place.h"

namespace doppio::training {

absl::StatusOr<InputPlaces> InputPlaces::Find(const std::vector<Net*>& nets,
                                              const Workspace& workspace) {
  InputPlaces found;
  std::map<std::string, std::vector<const OperatorDef*>> read_by;
  for (const Net* net : nets) {
    for (const std::unique_ptr<OperatorBase>& op : net->operators()) {
      const std::vector<std::string> reads = BlobsOfOp(op->def()).reads;
      for (const std::string& name : std::set<std::string>(reads.begin(), reads.end())) {
        read_by[name].push_back(&op->def());
      }
      if (dynamic_cast<InputPlace*>(op.get()) == nullptr) continue;
      found.ops_.push_back(op.get());
      if (op->def().input_size() > 0) found.readers_.insert(op->def().input(0));
    }
  }
  for (const auto& [name, ops] : read_by) {
    const std::shared_ptr<Blob> blob = workspace.FindBlob(name);
    const bool is_reader = blob != nullptr && blob->Get<DatabaseReader>() != nullptr;
    if (found.readers_.count(name) == 0 && !is_reader) continue;
    if (ops.size() == 1 && found.readers_.count(name) > 0) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "a checkpoint can not hold the place of the reader \"", name, "\": ",
        ops.size() > 1
            ? absl::StrCat(OpToString(*ops[0]), " and ", OpToString(*ops[1]), " both read it")
            : absl::StrCat("nobody knows how far ", OpToString(*ops[0]), " reads it")));
  }
  DOPPIO_RETURN_IF_ERROR(found.Places().status());
  return found;
}

absl::StatusOr<std::vector<std::string>> InputPlaces::Places() const {
  std::vector<std::string> places;
  for (OperatorBase* op : ops_) {
    absl::StatusOr<std::string> place = dynamic_cast<InputPlace*>(op)->Place();
    if (!place.ok()) {
      return absl::FailedPreconditionError(absl::StrCat("a checkpoint can not hold where ",
                                                        OpToString(op->def()),
                                                        " is: ", place.status().message()));
    }
    places.push_back(*std::move(place));
  }
  return places;
}

absl::Status InputPlaces::GoTo(const std::vector<std::string>& places) const {
  for (size_t i = 0; i < ops_.size(); ++i) {
    DOPPIO_RETURN_IF_ERROR(
        Annotate(dynamic_cast<InputPlace*>(ops_[i])->GoTo(places[i]), OpToString(ops_[i]->def())));
  }
  return absl::OkStatus();
}

}  // namespace doppio::training
