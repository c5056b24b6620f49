#include "tests/fuzz/net_bytes.h"

#include <memory>
#include <random>

#include "doppio/check.h"
#include "doppio/gradient.h"
#include "doppio/infer.h"
#include "gtest/gtest.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/io/random_messages.h"

namespace doppio {
namespace {

// Not so many that the search takes long to get over the seeds.
constexpr uint32_t kRandomNets = 50;

void LookAt(const NetDef& net) {
  CheckOptions options;
  options.limits = SmallLimits();
  (void)CheckNet(net, options);
  BlobInfos blobs;
  (void)CheckShapes(net, &blobs);
  (void)InferNet(net, {});
  (void)InputsOfNet(net);
  std::vector<GradientTarget> targets;
  for (const std::string& name : OutputsOfNet(net)) targets.emplace_back(name);
  const absl::StatusOr<Backward> backward = AddGradientOperators(net, targets);
  if (backward.ok()) (void)InferNet(backward->net, {});
}

}  // namespace

void ExpectReadAsWritten(const google::protobuf::Message& message, Encoding encoding) {
  const absl::StatusOr<std::string> written = FormatProto(message, encoding);
  if (!written.ok() || written->empty()) return;  // fields of no known number, say
  const std::unique_ptr<google::protobuf::Message> read(message.New());
  const absl::Status status = ParseProto(*written, read.get());
  // Binary data that has little of what makes a type worth having is refused.
  if (encoding == Encoding::kBinary && absl::IsInvalidArgument(status)) return;
  ASSERT_TRUE(status.ok()) << EncodingName(encoding) << ": " << status << "\n" << *written;
  // As text, in which all that is not a number is one.
  const absl::StatusOr<std::string> expected = FormatProto(message, Encoding::kText);
  if (!expected.ok()) return;
  EXPECT_EQ(FormatProto(*read, Encoding::kText).value_or("none"), *expected)
      << EncodingName(encoding) << ":\n"
      << *written;
}

void TryNetBytes(absl::string_view bytes) {
  (void)DescribeBytes(bytes, SmallLimits());
  NetDef net;
  if (!ParseProto(bytes, &net, SmallLimits()).ok()) return;
  for (const Encoding encoding : {Encoding::kBinary, Encoding::kText, Encoding::kJson}) {
    ExpectReadAsWritten(net, encoding);
  }
  LookAt(net);
}

std::vector<std::string> NetSeeds(Encoding encoding) {
  std::vector<NetDef> nets;
  for (const std::string& bytes : SeedFiles({".pb", ".pbtxt"})) {
    NetDef net;
    if (ParseProto(bytes, &net).ok()) nets.push_back(std::move(net));
  }
  for (uint32_t seed = 0; seed < kRandomNets; ++seed) {
    std::mt19937 random(seed);
    NetDef net;
    net.CopyFrom(*RandomMessage(NetDef::descriptor(), 5, &random));
    nets.push_back(std::move(net));
  }
  std::vector<std::string> seeds;
  for (const NetDef& net : nets) {
    absl::StatusOr<std::string> written = FormatProto(net, encoding);
    if (written.ok() && written->size() <= kLargestSeed) seeds.push_back(*std::move(written));
  }
  return seeds;
}

}  // namespace doppio
