#include "doppio/net.h"

#include <algorithm>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_join.h"
#include "doppio/cancellation.h"
#include "doppio/check.h"
#include "src/base/run_scope.h"
#include "src/graph/channels_last.h"
#include "src/graph/check_in_scope.h"
#include "src/graph/net_text.h"
#include "src/graph/problem_list.h"
#include "src/operator/operator_maker.h"

namespace doppio {

Net::Net(std::shared_ptr<const NetDef> def, std::vector<std::unique_ptr<OperatorBase>> operators)
    : def_(std::move(def)), operators_(std::move(operators)) {}

Net::~Net() = default;

std::string Net::OpPlace(int index) const { return doppio::OpPlace(*def_, index); }

absl::Status Net::Run() {
  if (is_running_.exchange(true, std::memory_order_acquire)) {
    return absl::FailedPreconditionError(
        absl::StrCat(NetPlace(*def_), " is running already; one thread at a time may run it"));
  }
  is_cancelled_.store(false, std::memory_order_relaxed);
  const internal::RunScope scope(&is_cancelled_, internal::kNoDeadline,
                                 budget_.has_value() ? budget_->account().get() : nullptr);
  last_failed_operator_.store(-1, std::memory_order_relaxed);
  for (NetObserver* observer : observers_) observer->NetStart(*this);
  // A loop around a net without operators must end too.
  const bool is_ended = operators_.empty() && is_cancelled();
  absl::Status status = is_ended ? CancelledStatus(0) : RunOperators();
  for (NetObserver* observer : observers_) observer->NetStop(*this, status);
  is_running_.store(false, std::memory_order_release);
  return status;
}

void Net::Cancel() {
  is_cancelled_.store(true, std::memory_order_relaxed);
  for (const auto& op : operators_) op->Cancel();
}

bool Net::is_cancelled() const { return internal::IsInterrupted(); }

void Net::RemoveObserver(NetObserver* observer) {
  observers_.erase(std::remove(observers_.begin(), observers_.end(), observer), observers_.end());
}

absl::Status Net::CancelledStatus(int next) const {
  const std::string place = operators_.empty() ? NetPlace(*def_) : OpPlace(next);
  return Annotate(internal::InterruptedStatus(), absl::StrCat(place, ": not run"));
}

absl::Status Net::RunObserved(int index) {
  for (NetObserver* observer : observers_) observer->OperatorStart(*this, index);
  absl::Status status = operators_[index]->Run();
  for (NetObserver* observer : observers_) observer->OperatorStop(*this, index, status);
  return status.ok() ? status : Failed(index, status);
}

absl::Status Net::Failed(int index, const absl::Status& status) {
  // Of those that fail side by side the first one of the list counts; those that end because
  // another one has failed do not.
  int last = last_failed_operator_.load(std::memory_order_relaxed);
  while ((last < 0 || (index < last && !absl::IsCancelled(status))) &&
         !last_failed_operator_.compare_exchange_weak(last, index, std::memory_order_relaxed)) {
  }
  return Annotate(status, OpPlace(index));
}

namespace {

absl::flat_hash_map<std::string, NetFactory>& Factories() {
  static auto& factories = *new absl::flat_hash_map<std::string, NetFactory>;
  return factories;
}

// The definition of operator k, with what the net's device option says about it. It shares the
// net's definition where that says nothing.
std::shared_ptr<const OperatorDef> DefOfOp(const std::shared_ptr<const NetDef>& net, int k) {
  if (!net->has_device_option()) return {net, &net->op(k)};
  auto merged = std::make_shared<OperatorDef>(net->op(k));
  MergeDeviceOption(net->device_option(), merged->mutable_device_option());
  return merged;
}

// How large phantoms are at least.
int64_t LeastPhantomBytes(const NetDef& net) {
  const auto tells = [](const Argument& arg) { return arg.name() == "phantoms" && arg.has_i(); };
  const auto found = std::find_if(net.arg().begin(), net.arg().end(), tells);
  if (found == net.arg().end()) return kLeastPhantomBytes;
  return found->i() > 0 ? found->i() : std::numeric_limits<int64_t>::max();
}

}  // namespace

bool NetRegistry::Register(std::vector<std::string> types, NetFactory factory) {
  for (std::string& type : types) Factories()[std::move(type)] = factory;
  return true;
}

std::vector<std::string> NetRegistry::Types() {
  std::vector<std::string> types;
  for (const auto& [type, factory] : Factories()) {
    if (!type.empty()) types.push_back(type);
  }
  std::sort(types.begin(), types.end());
  return types;
}

absl::StatusOr<std::unique_ptr<Net>> CreateNet(std::shared_ptr<const NetDef> def,
                                               BlobScope* scope) {
  const auto factory = Factories().find(def->type());
  if (factory == Factories().end()) {
    return absl::InvalidArgumentError(absl::StrCat(NetPlace(*def), ": there is no net type \"",
                                                   def->type(), "\"; there are ",
                                                   absl::StrJoin(NetRegistry::Types(), ", ")));
  }
  DOPPIO_RETURN_IF_ERROR(ProblemsToStatus(CheckNetInScope(*def, *scope)));
  const int64_t least_phantom_bytes = LeastPhantomBytes(*def);
  std::shared_ptr<const NetDef> laid_out = def;
  if (TrainsConvolutions(*def)) {
    auto changed = std::make_shared<NetDef>(*def);
    KeepChannelsLast(changed.get());
    laid_out = std::move(changed);
  }
  ProblemList problems;
  OperatorMaker maker(scope);
  std::vector<std::unique_ptr<OperatorBase>> operators;
  operators.reserve(static_cast<size_t>(def->op_size()));
  for (int k = 0; k < def->op_size(); ++k) {
    DOPPIO_RETURN_IF_ERROR(
        Annotate(CancellationStatus(), absl::StrCat(NetPlace(*def), ": not made")));
    absl::StatusOr<std::unique_ptr<OperatorBase>> op = maker.Make(DefOfOp(laid_out, k));
    if (!op.ok()) {
      problems.Add(*def, k, std::string(op.status().message()));
      continue;
    }
    (*op)->AllowPhantoms(least_phantom_bytes);
    operators.push_back(*std::move(op));
  }
  DOPPIO_RETURN_IF_ERROR(ProblemsToStatus(problems.Take()));
  return factory->second(std::move(def), std::move(operators));
}

}  // namespace doppio
