#include "src/training/early_stop_nets.h"

#include <limits>
#include <vector>

#include "doppio/dtype.h"

namespace doppio::training {
namespace {

Argument OneElement() { return MakeArgument("shape", std::vector<int64_t>{1}); }

Argument To(DataType type) { return MakeArgument("to", static_cast<int>(type)); }

// Whole numbers as doubles, whatever the arguments of fills can hold.
void AddDouble(const std::string& blob, int64_t value, NetBuilder* net) {
  AddInteger(blob + "_as_integer", value, net);
  net->Op("Cast", {blob + "_as_integer"}, {blob}, {To(DataType::kDouble)});
}

}  // namespace

void AddInteger(const std::string& blob, int64_t value, NetBuilder* net) {
  net->Op("GivenTensorInt64Fill", {}, {blob},
          {OneElement(), MakeArgument("values", std::vector<int64_t>{value})});
}

void EarlyStopNets::AddStart(int64_t examples, int64_t patience, NetBuilder* net) const {
  // Nothing is worse than no number.
  net->Op("GivenTensorDoubleFill", {}, {prefix_ + "best"},
          {OneElement(),
           MakeArgument("values", std::vector<float>{std::numeric_limits<float>::quiet_NaN()})});
  net->Op("GivenTensorBoolFill", {}, {should_stop()},
          {OneElement(), MakeArgument("values", std::vector<int64_t>{0})});
  AddInteger(prefix_ + "since_best", 0, net);
  AddInteger(prefix_ + "patience", patience, net);
  AddDouble(prefix_ + "examples", examples, net);
}

void EarlyStopNets::AddWeight(const std::string& name, int64_t examples, NetBuilder* net) const {
  AddDouble(prefix_ + "weight_" + name, examples, net);
}

void EarlyStopNets::AddBegin(NetBuilder* net) const { AddDouble(prefix_ + "sum", 0, net); }

void EarlyStopNets::AddTally(const std::string& weight, NetBuilder* net) const {
  const std::string sum = prefix_ + "sum";
  const std::string value = prefix_ + "value";
  net->Op("Cast", {watch_}, {value}, {To(DataType::kDouble)})
      .Op("Mul", {prefix_ + "weight_" + weight, value}, {prefix_ + "weighted"})
      .Op("Add", {sum, prefix_ + "weighted"}, {sum});
}

void EarlyStopNets::AddJudge(NetBuilder* net) const {
  const std::string mean = prefix_ + "mean";
  const std::string best = prefix_ + "best";
  const std::string better = prefix_ + "is_better";
  const std::string worse = prefix_ + "is_worse";
  const std::string is_number = prefix_ + "is_number";
  const std::string since = prefix_ + "since_best";
  net->Op("Div", {prefix_ + "sum", prefix_ + "examples"}, {mean})
      // False of what is no number, so that the first number is better.
      .Op(larger_is_better_ ? "LE" : "GE", {mean, best}, {worse})
      .Op("Not", {worse}, {better})
      .Op("GE", {mean, mean}, {is_number})
      .Op("And", {better, is_number}, {better})
      .Op("Where", {better, mean, best}, {mean})
      .Op("Copy", {mean}, {best})
      // 0, or one more.
      .Op("Not", {better}, {worse})
      .Op("Cast", {worse}, {prefix_ + "one"}, {To(DataType::kInt64)})
      .Op("Add", {since, prefix_ + "one"}, {since})
      .Op("Mul", {since, prefix_ + "one"}, {since})
      .Op("GE", {since, prefix_ + "patience"}, {should_stop()});
}

}  // namespace doppio::training
