// Text of nets, which is read as protobuf's own parser reads it (text_reader.h).

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include "gtest/gtest.h"
#include "src/io/text_reader.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/net_bytes.h"

namespace doppio {
namespace {

constexpr int kMaxNesting = 100;

class NoErrors final : public google::protobuf::io::ErrorCollector {
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

void ExpectReadsAsProtobufDoes(absl::string_view text) {
  NetDef net;
  size_t right = 0;
  if (!io::ReadText(text, kMaxNesting, &net, &right)) return;
  NetDef expected;
  NoErrors errors;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.AllowPartialMessage(true);
  parser.SetRecursionLimit(kMaxNesting);
  ASSERT_TRUE(parser.ParseFromString(std::string(text), &expected)) << text;
  EXPECT_EQ(net.SerializePartialAsString(), expected.SerializePartialAsString()) << text;
}

DOPPIO_FUZZ_TARGET(
    text_net, [] { return NetSeeds(Encoding::kText); },
    [](absl::string_view bytes) {
      ExpectReadsAsProtobufDoes(bytes);
      TryNetBytes(bytes);
    });

}  // namespace
}  // namespace doppio
