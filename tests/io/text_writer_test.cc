#include "src/io/text_writer.h"

#include <gmock/gmock.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "doppio/net.pb.h"
#include "tests/io/random_messages.h"

namespace doppio {
namespace {

using google::protobuf::TextFormat;

std::string Written(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::io::StringOutputStream out(&text);
  const absl::Status status = io::WriteText(message, &out);
  EXPECT_TRUE(status.ok()) << status;
  return text;
}

std::string Printed(const google::protobuf::Message& message) {
  std::string text;
  EXPECT_TRUE(TextFormat::PrintToString(message, &text));
  return text;
}

TEST(TextWriterTest, WritesEveryTypeAsProtobufDoes) {
  for (const auto* type : NetProtoTypes()) {
    for (uint32_t seed = 0; seed < 40; ++seed) {
      SCOPED_TRACE(absl::StrCat(type->full_name(), ", seed ", seed));
      std::mt19937 random(seed);
      const auto message = RandomMessage(type, 4, &random);
      ASSERT_EQ(Written(*message), Printed(*message));
    }
  }
}

TEST(TextWriterTest, WritesMoreThanOneChunk) {
  NetDef net;
  for (int i = 0; i < 20'000; ++i)
    net.add_op()->add_arg()->add_floats(0.25f * static_cast<float>(i));
  EXPECT_EQ(Written(net), Printed(net));
}

TEST(TextWriterTest, SaysWhenTheTextCanNotBeWritten) {
  NetDef net;
  net.set_name("a name that is too long");
  char space[8];
  google::protobuf::io::ArrayOutputStream out(space, sizeof space);
  EXPECT_FALSE(io::WriteText(net, &out).ok());
}

}  // namespace
}  // namespace doppio
