#include <cmath>
#include <limits>
#include <memory>

#include "doppio/proto_io.h"
#include "tests/io/test_files.h"

namespace doppio {
namespace {

using absl::StatusCode;
using google::protobuf::Message;

constexpr Encoding kEncodings[] = {Encoding::kBinary, Encoding::kText, Encoding::kJson};

void ExpectSurvivesAllEncodings(const Message& message) {
  const std::string original = *FormatProto(message, Encoding::kBinary);
  std::unique_ptr<Message> copy(message.New());
  copy->CopyFrom(message);
  for (Encoding encoding :
       {Encoding::kText, Encoding::kBinary, Encoding::kJson, Encoding::kBinary}) {
    absl::StatusOr<std::string> bytes = FormatProto(*copy, encoding);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    const absl::Status status = ParseProto(*bytes, copy.get(), {}, EncodingName(encoding));
    ASSERT_TRUE(status.ok()) << status << "\n" << *bytes;
    ASSERT_EQ(*FormatProto(*copy, Encoding::kBinary), original) << *bytes;
  }
}

absl::StatusOr<NetDef> ParseNet(absl::string_view bytes, const Limits& limits = {}) {
  NetDef net;
  DOPPIO_RETURN_IF_ERROR(ParseProto(bytes, &net, limits, "net"));
  return net;
}

OperatorDef* AddOp(NetDef* net, const std::string& type) {
  OperatorDef* op = net->add_op();
  op->set_type(type);
  return op;
}

// A net in an argument of the operator of a net in an argument of ...
NetDef NestedNet(int depth) {
  NetDef net;
  NetDef* inner = &net;
  for (int i = 0; i < depth; ++i) {
    Argument* arg = AddOp(inner, "If")->add_arg();
    arg->set_name("then_net");
    inner = arg->mutable_n();
  }
  inner->set_name("innermost");
  return net;
}

TEST(EncodingsTest, FloatsOfEveryKindSurvive) {
  NetDef net;
  Argument* arg = AddOp(&net, "GivenTensorFill")->add_arg();
  using F = std::numeric_limits<float>;
  for (float value : {0.0f, -0.0f, 0.1f, 1.0f / 3, F::max(), F::min(), F::denorm_min(), F::lowest(),
                      F::infinity(), -F::infinity(), F::quiet_NaN(), 16777217.0f}) {
    arg->add_floats(value);
  }
  arg->set_f(-0.0f);
  using D = std::numeric_limits<double>;
  TensorProto* tensor = arg->mutable_t();
  for (double value : {0.1, D::max(), D::denorm_min(), D::infinity(), D::quiet_NaN(), -0.0}) {
    tensor->add_double_data(value);
  }
  ExpectSurvivesAllEncodings(net);
}

TEST(EncodingsTest, IntegersOfEverySizeSurvive) {
  NetDef net;
  Argument* arg = AddOp(&net, "X")->add_arg();
  arg->add_ints(std::numeric_limits<int64_t>::min());
  arg->add_ints(std::numeric_limits<int64_t>::max());
  arg->add_ints((int64_t{1} << 53) + 1);
  arg->set_i(-1);
  net.mutable_device_option()->set_random_seed(0xffffffffu);
  net.set_num_workers(-1);
  ExpectSurvivesAllEncodings(net);
}

TEST(EncodingsTest, PresentButEmptyMessagesAndExplicitDefaultsSurvive) {
  NetDef net;
  net.set_name("");
  OperatorDef* op = AddOp(&net, "");
  op->set_name("");
  op->set_is_gradient_op(false);
  op->mutable_device_option();
  op->add_input("");
  op->add_arg();
  op->add_arg()->mutable_n();
  op->add_arg()->set_i(0);
  op->add_arg()->set_f(0);
  op->add_arg()->set_s("");
  op->mutable_arg(0)->mutable_t()->set_data_type(TensorProto::FLOAT);
  op->mutable_arg(0)->mutable_t()->set_data_format(0);
  net.mutable_device_option()->set_device_type(0);
  ExpectSurvivesAllEncodings(net);
}

TEST(EncodingsTest, BytesThatAreNotTextSurvive) {
  NetDef net;
  Argument* arg = AddOp(&net, "X")->add_arg();
  std::string all_bytes;
  for (int i = 0; i < 256; ++i) all_bytes += static_cast<char>(i);
  arg->set_s(all_bytes);
  arg->add_strings(std::string("\0\n\"'\\", 5));
  arg->add_strings("");
  arg->mutable_t()->add_string_data(all_bytes);
  net.set_name("\xe5\x9b\xbe \"quoted\" \\ and\nbroken");
  ExpectSurvivesAllEncodings(net);
}

TEST(EncodingsTest, PlansAndPredictorFilesSurvive) {
  PlanDef plan;
  plan.set_name("plan");
  plan.add_network()->set_name("net");
  ExecutionStep* step = plan.add_execution_step();
  step->add_network("net");
  step->set_num_iter(3);
  step->set_only_once(false);
  step->add_substep()->set_should_stop_blob("done");
  ExpectSurvivesAllEncodings(plan);

  MetaNetDef meta;
  meta.mutable_modelinfo()->set_predictortype("SINGLE_PREDICTOR");
  NetsMap* entry = meta.add_nets();
  entry->set_key("PREDICT_NET_TYPE");
  entry->mutable_value()->set_name("net");
  BlobsMap* blobs = meta.add_blobs();
  blobs->set_key("INPUTS_BLOB_TYPE");
  blobs->add_value("data");
  ExpectSurvivesAllEncodings(meta);
}

TEST(EncodingsTest, UnknownFieldsSurviveBinary) {
  NetDef net;
  AddOp(&net, "Relu")->GetReflection()->MutableUnknownFields(net.mutable_op(0))->AddVarint(77, 5);
  absl::StatusOr<std::string> bytes = FormatProto(net, Encoding::kBinary);
  absl::StatusOr<NetDef> copy = ParseNet(*bytes);
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ(*FormatProto(*copy, Encoding::kBinary), *bytes);
}

TEST(EncodingsTest, RefusesToLoseUnknownFieldsInTextAndJson) {
  NetDef net;
  AddOp(&net, "Relu")->GetReflection()->MutableUnknownFields(net.mutable_op(0))->AddVarint(77, 5);
  for (Encoding encoding : {Encoding::kText, Encoding::kJson}) {
    EXPECT_THAT(FormatProto(net, encoding).status(),
                FailsWith(StatusCode::kFailedPrecondition, "op[0]: field 77"));
  }
}

TEST(EncodingsTest, RefusesStringsThatJsonCannotCarry) {
  NetDef net;
  net.add_external_input("fine");
  net.add_external_input("\xff\xfe");
  EXPECT_THAT(FormatProto(net, Encoding::kJson).status(),
              FailsWith(StatusCode::kFailedPrecondition, "external_input[1] is not UTF-8"));
  EXPECT_EQ(ParseNet(*FormatProto(net, Encoding::kText))->external_input(1), "\xff\xfe");
}

TEST(EncodingsTest, JsonTakesCamelCaseAndNumbersToo) {
  absl::StatusOr<NetDef> net =
      ParseNet(R"({"op": [{"type": "Relu", "deviceOption": {"deviceType": 1}}],
                   "externalInput": ["X"]})");
  ASSERT_TRUE(net.ok()) << net.status();
  EXPECT_EQ(net->op(0).device_option().device_type(), 1);
  EXPECT_EQ(net->external_input(0), "X");
}

TEST(EncodingsTest, TextOfBefore2018Loads) {
  absl::StatusOr<NetDef> net = ParseNet(
      "# cuda_gpu_id: 7\n"
      "op { type: \"cuda_gpu_id: 3\" name: 'device_type: CUDA'\n"
      "  device_option { device_type: CUDA cuda_gpu_id: 2 } }\n"
      "device_option { device_type : CPU cuda_gpu_id:0 random_seed: 1 }\n");
  ASSERT_TRUE(net.ok()) << net.status();
  EXPECT_EQ(net->op(0).type(), "cuda_gpu_id: 3");
  EXPECT_EQ(net->op(0).name(), "device_type: CUDA");
  EXPECT_EQ(net->op(0).device_option().device_type(), PROTO_CUDA);
  EXPECT_EQ(net->op(0).device_option().device_id(), 2);
  EXPECT_TRUE(net->device_option().has_device_id());
  EXPECT_EQ(net->device_option().device_type(), PROTO_CPU);
}

TEST(EncodingsTest, ErrorsInOldTextKeepTheirColumns) {
  EXPECT_THAT(ParseNet("device_option { cuda_gpu_id: 0 nonsense: 1 }").status(),
              FailsWith(StatusCode::kInvalidArgument, "line 1:40: "));
}

TEST(EncodingsTest, TextMayBeginWithCommentsOrAByteOrderMark) {
  EXPECT_EQ(ParseNet("\xef\xbb\xbfname: \"a\"")->name(), "a");
  EXPECT_EQ(ParseNet("\xef\xbb\xbf{\"name\": \"a\"}")->name(), "a");
  EXPECT_EQ(ParseNet("# \xb3\xac GBK\n\nname: \"a\"")->name(), "a");
  EXPECT_TRUE(ParseNet("# nothing else\n").ok());
}

TEST(EncodingsTest, TextErrorsNameLineAndColumn) {
  EXPECT_THAT(ParseNet("name: \"a\"\nop {\n  typo: 3 }").status(),
              FailsWith(StatusCode::kInvalidArgument, "net: line 3:"));
  EXPECT_THAT(ParseNet("name: \"a\"\nop {\n  typo: 3 }").status(),
              FailsWith(StatusCode::kInvalidArgument, "no field named \"typo\""));
  EXPECT_FALSE(ParseNet("op { type: \"unfinished").ok());
  EXPECT_FALSE(ParseNet("op { type: \"Relu\" ").ok());
  EXPECT_FALSE(ParseNet("op { type: \"Relu\" } }").ok());
  EXPECT_FALSE(ParseNet("num_workers: 99999999999999999999").ok());
}

TEST(EncodingsTest, JsonErrorsAreStatuses) {
  for (const char* json :
       {"{", "{}}", "{\"op\": 3}", "{\"name\": [}", "{\"op\": [{\"type\": {}}]}", "{\"nope\": 1}",
        "{\"num_workers\": 1e99}", "{\"op\": [null, {}]}x", "{\"name\": \"\\ud800\"}", "{'"}) {
    const absl::StatusOr<NetDef> net = ParseNet(json);
    EXPECT_THAT(net.status(), FailsWith(StatusCode::kInvalidArgument, "net: JSON: ")) << json;
  }
}

TEST(EncodingsTest, MissingRequiredFieldsAreNamed) {
  NetDef net;
  AddOp(&net, "X");
  net.add_partition_info()->add_device_id(1);
  for (Encoding encoding : kEncodings) {
    EXPECT_THAT(ParseNet(*FormatProto(net, encoding)).status(),
                FailsWith(StatusCode::kInvalidArgument,
                          encoding == Encoding::kJson
                              ? "(partition_info[0]): missing field name"
                              : "required fields are missing: partition_info[0].name"));
  }
}

TEST(EncodingsTest, NestingIsLimitedInEveryEncoding) {
  Limits limits;
  limits.max_nesting = 30;  // three messages a net: operator, argument, net
  for (Encoding encoding : kEncodings) {
    const std::string within = *FormatProto(NestedNet(10), encoding);
    EXPECT_TRUE(ParseNet(within, limits).ok())
        << EncodingName(encoding) << ParseNet(within, limits).status();
    EXPECT_THAT(ParseNet(*FormatProto(NestedNet(11), encoding), limits).status(),
                FailsWith(StatusCode::kResourceExhausted, "30"))
        << EncodingName(encoding);
  }
}

TEST(EncodingsTest, WhatJsonCannotNestIsRefusedWhenItIsWritten) {
  for (int nets = 1; 3 * nets <= 99; ++nets) {
    const NetDef net = NestedNet(nets);
    EXPECT_TRUE(ParseNet(*FormatProto(net, Encoding::kText)).ok()) << nets;
    absl::StatusOr<std::string> json = FormatProto(net, Encoding::kJson);
    if (json.ok()) {
      EXPECT_TRUE(ParseNet(*json).ok()) << nets << ParseNet(*json).status();
    } else {
      EXPECT_THAT(json.status(), FailsWith(StatusCode::kFailedPrecondition, "more than 63 deep"));
      EXPECT_GT(3 * nets, 60);
    }
  }
}

// NestedNet(depth), written from the inside to the outside: protobuf's own writer would need a deep
// stack.
std::string NestedNetBytes(int depth) {
  std::string bytes;
  const auto wrap = [&bytes](int field) {
    std::string size;
    for (size_t rest = bytes.size();; rest >>= 7) {
      size += static_cast<char>((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
      if (rest <= 0x7f) break;
    }
    bytes = static_cast<char>(field << 3 | 2) + size + bytes;
  };
  for (int i = 0; i < depth; ++i) {
    for (int field : std::vector<int>{Argument::kNFieldNumber, OperatorDef::kArgFieldNumber,
                                      NetDef::kOpFieldNumber})
      wrap(field);
  }
  return bytes;
}

TEST(EncodingsTest, NestingOfThousandsIsRefusedAndDoesNotOverflowTheStack) {
  for (int depth : {3000, 1'000'000}) {
    std::string text, json, arrays = "{\"op\": ";
    for (int i = 0; i < depth; ++i) {
      text += "op{arg{n{";
      json += "{\"op\":[{\"arg\":[{\"n\":";
      arrays += "[";
    }
    EXPECT_THAT(ParseNet(text).status(), FailsWith(StatusCode::kResourceExhausted, "line 1:"));
    EXPECT_THAT(ParseNet(json).status(), FailsWith(StatusCode::kResourceExhausted, "100 deep"));
    EXPECT_THAT(ParseNet(arrays).status(), FailsWith(StatusCode::kInvalidArgument, "net: "));
  }
  EXPECT_THAT(ParseNet(NestedNetBytes(3000)).status(),
              FailsWith(StatusCode::kResourceExhausted, "more than 100 deep"));
  const std::string groups(1'000'000, '\x7b');
  EXPECT_FALSE(ParseNet("\x0a\x01"
                        "a" +
                        groups)
                   .ok());
}

TEST(EncodingsTest, OperatorsAreCountedInSubnetsToo) {
  Limits limits;
  limits.max_operators = 6;
  NetDef net = NestedNet(5);
  AddOp(&net, "Relu");
  for (Encoding encoding : kEncodings) {
    EXPECT_TRUE(ParseNet(*FormatProto(net, encoding), limits).ok()) << EncodingName(encoding);
  }
  AddOp(&net, "Relu");
  for (Encoding encoding : kEncodings) {
    EXPECT_THAT(ParseNet(*FormatProto(net, encoding), limits).status(),
                FailsWith(StatusCode::kResourceExhausted, "operators"))
        << EncodingName(encoding);
  }
}

TEST(EncodingsTest, CutOffBinaryNamesThePlace) {
  NetDef net;
  AddOp(&net, "Relu")->add_input("X");
  AddOp(&net, "Sigmoid")->add_arg()->set_s("value");
  std::string bytes = *FormatProto(net, Encoding::kBinary);
  bytes.pop_back();
  EXPECT_THAT(
      ParseNet(bytes).status(),
      FailsWith(StatusCode::kDataLoss, "net: byte 11: field 2 claims 18 bytes, but only 17"));
  EXPECT_THAT(ParseNet(std::string("\x12\x04\x2a\x02\x22\x05", 6)).status(),
              FailsWith(StatusCode::kDataLoss, "(in op[0].arg[0]): field 4 claims 5 bytes"));
}

TEST(EncodingsTest, MalformedBinaryIsRefused) {
  const std::string cases[] = {
      std::string("\x00", 1),                                               // field number 0
      std::string("\x0f\x01", 2),                                           // wire type 7
      std::string("\x0c", 1),                                               // a group ends
      std::string("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12),  // a long varint
      std::string("\x0a\xff\xff\xff\xff\x0f", 6),  // a length beyond the end
      std::string("\x12\x80", 2),
  };
  for (const std::string& bytes : cases) EXPECT_FALSE(ParseNet(bytes).ok());
}

TEST(EncodingsTest, EmptyDataIsRefused) {
  EXPECT_THAT(ParseNet("").status(), FailsWith(StatusCode::kInvalidArgument, "net: empty"));
  EXPECT_THAT(ParseNet("\n \n").status(), FailsWith(StatusCode::kInvalidArgument, "net: empty"));
}

TEST(EncodingsTest, EncodingsOfDamagedNetsAreStatusesOrNets) {
  NetDef net = NestedNet(2);
  net.set_name("damaged");
  AddOp(&net, "Relu")->mutable_device_option()->set_device_type(1);
  net.mutable_op(0)->add_arg()->mutable_t()->add_float_data(1.5f);
  net.add_external_input("X");
  for (Encoding encoding : kEncodings) {
    SCOPED_TRACE(std::string(EncodingName(encoding)));
    ForEachDamage(*FormatProto(net, encoding), 1000, 2000, [](const std::string& bytes) {
      DescribeBytes(bytes);
      NetDef copy;
      const absl::Status status = ParseProto(bytes, &copy, {}, "damaged.pb");
      if (status.ok()) return;
      EXPECT_EQ(status.message().find("damaged.pb: "), 0u) << status;
      EXPECT_EQ(copy.ByteSizeLong(), 0u);
    });
  }
}

}  // namespace
}  // namespace doppio
