#include "doppio/profiler.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iterator>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ProfilerTest : public testing::Test {
 protected:
  ProfilerTest() {
    EXPECT_TRUE(workspace_.Feed("X", Tensor::Of<float>({2}, {1, -1})).ok());
    NetBuilder net("profiled");
    net.Op("Relu", {"X"}, {"Y"}).Op("Exp", {"Y"}, {"a \"quoted\"\nname"});
    net_ = *workspace_.CreateNet(net.def());
  }

  Workspace workspace_;
  Net* net_;
};

class Recorder final : public NetObserver {
 public:
  void NetStart(const Net&) override { seen.push_back("net start"); }
  void NetStop(const Net&, const absl::Status& status) override {
    seen.push_back(status.ok() ? "net ok" : "net failed");
  }
  void OperatorStart(const Net&, int index) override {
    seen.push_back(absl::StrCat("start ", index));
  }
  void OperatorStop(const Net&, int index, const absl::Status& status) override {
    seen.push_back(absl::StrCat(status.ok() ? "stop " : "failed ", index));
  }
  std::vector<std::string> seen;
};

TEST_F(ProfilerTest, ObserversSeeEveryOperatorStartAndStop) {
  Recorder recorder;
  net_->AddObserver(&recorder);
  ASSERT_TRUE(net_->Run().ok());
  EXPECT_THAT(recorder.seen,
              ElementsAre("net start", "start 0", "stop 0", "start 1", "stop 1", "net ok"));
  net_->RemoveObserver(&recorder);
  recorder.seen.clear();
  ASSERT_TRUE(net_->Run().ok());
  EXPECT_THAT(recorder.seen, ElementsAre());
}

TEST_F(ProfilerTest, ObserversSeeFailures) {
  Recorder recorder;
  net_->AddObserver(&recorder);
  ASSERT_TRUE(workspace_.RemoveBlob("X").ok());
  ASSERT_FALSE(net_->Run().ok());
  EXPECT_THAT(recorder.seen, ElementsAre("net start", "start 0", "failed 0", "net failed"));
}

TEST_F(ProfilerTest, MeasuresEveryOperator) {
  Profiler profiler;
  net_->AddObserver(&profiler);
  ASSERT_TRUE(net_->Run().ok());
  ASSERT_TRUE(net_->Run().ok());
  const std::vector<Profiler::Event> events = profiler.Events();
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[0].type, "Relu");
  EXPECT_EQ(events[0].description, "Relu(X) -> Y");
  EXPECT_EQ(events[2].op, -1);
  EXPECT_LE(events[2].start_us, events[0].start_us);
  EXPECT_GE(events[2].duration_us, events[0].duration_us);
}

TEST_F(ProfilerTest, WritesATraceThatIsJson) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "protobuf's maps are laid out otherwise there than in Debian's library";
#endif
  Profiler profiler;
  net_->AddObserver(&profiler);
  ASSERT_TRUE(net_->Run().ok());
  google::protobuf::Struct trace;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(profiler.TraceJson(), &trace).ok())
      << profiler.TraceJson();
  const auto& events = trace.fields().at("traceEvents").list_value();
  ASSERT_EQ(events.values_size(), 3);
  const auto& relu = events.values(0).struct_value().fields();
  EXPECT_EQ(relu.at("name").string_value(), "Relu");
  EXPECT_EQ(relu.at("ph").string_value(), "X");
  EXPECT_EQ(relu.at("args").struct_value().fields().at("net").string_value(), "profiled");
}

TEST_F(ProfilerTest, SaysWhyATraceCanNotBeWritten) {
  Profiler profiler;
  const absl::Status status = profiler.WriteTrace("/nowhere/at/all/trace.json");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("\"/nowhere/at/all/trace.json\": No such file"));
}

}  // namespace
}  // namespace doppio
