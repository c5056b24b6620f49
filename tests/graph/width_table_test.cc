#include "doppio/width_table.h"

#include "doppio/net_builder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

using testing::HasSubstr;

constexpr char kTable[] = R"(
# comments and empty lines say nothing

net Small
source a book
name small*
where conv1_w kernel=3
width conv1_w 64
width fire*/expand*_w 128
guess *_w 7
net Other
name other
width w 5
)";

NetDef Net(const std::string& name, int kernel) {
  return NetBuilder(name)
      .Op("Conv", {"X", "conv1_w"}, {"Y"}, {MakeArgument<int>("kernel", kernel)})
      .def();
}

std::vector<PublishedWidths> Table() { return ParseWidthTable(kTable).value(); }

TEST(WidthTableTest, FindsTheSectionOfANetByItsNameAndItsOperators) {
  const std::vector<PublishedWidths> table = Table();
  const std::optional<PublishedWidths> found = FindPublishedWidths(table, Net("small_net", 3));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->title, "Small");
  EXPECT_EQ(found->source, "a book");
  EXPECT_FALSE(FindPublishedWidths(table, Net("small_net", 7)).has_value());
  EXPECT_FALSE(FindPublishedWidths(table, Net("a_small_net", 3)).has_value());
  EXPECT_EQ(FindPublishedWidths(table, Net("other", 3))->title, "Other");
}

TEST(WidthTableTest, TheFirstPatternThatFitsCounts) {
  const PublishedWidths section = Table()[0];
  EXPECT_EQ(section.Find("conv1_w")->outputs, 64);
  EXPECT_EQ(section.Find("fire2/expand3x3_w")->outputs, 128);
  EXPECT_FALSE(section.Find("fire2/expand3x3_w")->is_guess);
  EXPECT_EQ(section.Find("fire2/squeeze_w")->outputs, 7);
  EXPECT_TRUE(section.Find("fire2/squeeze_w")->is_guess);
  EXPECT_EQ(section.Find("conv1_b"), nullptr);
}

TEST(WidthTableTest, FindsASectionByTheLayersOfANet) {
  const std::vector<PublishedWidths> table =
      ParseWidthTable("net Layers\nsource a book\nlayers 7:64 max\nlayers 2*(1:16 3g:16) out:10\n")
          .value();
  const auto net = [](const std::string& last, int kernel) {
    NetBuilder net("any name");
    net.Op("Conv", {"x", "a"}, {"y"}, {MakeArgument<int>("kernel", kernel)});
    net.Op("Relu", {"y"}, {"y"}).Op("MaxPool", {"y"}, {"y"});
    for (const char* block : {"b", "c"}) {
      net.Op("Conv", {"y", std::string(block) + "1"}, {"y"}, {MakeArgument<int>("kernel", 1)});
      net.Op("Conv", {"y", std::string(block) + "2"}, {"y"},
             {MakeArgument<int>("kernel_h", 3), MakeArgument<int>("kernel_w", 3),
              MakeArgument<int>("group", 16)});
    }
    net.Op(last, {"y", "d"}, {"y"}, {MakeArgument<int>("kernel", 1)});
    return net.def();
  };
  for (const char* last : {"FC", "Conv"}) {
    const std::optional<PublishedWidths> found = FindPublishedWidths(table, net(last, 7));
    ASSERT_TRUE(found.has_value()) << last;
    EXPECT_EQ(found->Find("a")->outputs, 64);
    EXPECT_EQ(found->Find("b1")->outputs, 16);
    EXPECT_EQ(found->Find("c2")->outputs, 16);
    EXPECT_EQ(found->Find("d")->outputs, 10);
  }
  EXPECT_FALSE(FindPublishedWidths(table, net("Relu", 7)).has_value());
  EXPECT_FALSE(FindPublishedWidths(table, net("FC", 5)).has_value());
}

TEST(WidthTableTest, LayersThatCanNotBeReadAreErrors) {
  for (const char* layers : {"7", "max:3", ":4", "0*(1:2)", "2*(1:2", "1:2)", "2*(3*(1:2))"}) {
    EXPECT_FALSE(ParseWidthTable(absl::StrCat("net A\nsource b\nlayers ", layers, "\n")).ok())
        << layers;
  }
}

TEST(WidthTableTest, ManyStarsTakeNoTime) {
  PublishedWidths section;
  section.widths.push_back({std::string(200, '*') + "x", 1, false});
  EXPECT_EQ(section.Find(std::string(10000, 'a')), nullptr);
}

TEST(WidthTableTest, RefusesWhatIsNoTableAndSaysWhere) {
  const auto error = [](const char* text) {
    return std::string(ParseWidthTable(text).status().message());
  };
  EXPECT_THAT(error("width w 5\n"), HasSubstr("line 1: a section begins with"));
  EXPECT_THAT(error("net A\nname a\nwidth w 0\n"), HasSubstr("line 3: write \"width BLOB N\""));
  EXPECT_THAT(error("net A\nname a\nwidth w\n"), HasSubstr("line 3"));
  EXPECT_THAT(error("net A\nname a\nwidth w 99999999999999999999\n"), HasSubstr("line 3"));
  EXPECT_THAT(error("net A\nwhere b kernel\n"), HasSubstr("line 2: write \"where BLOB\""));
  EXPECT_THAT(error("net A\nwidht w 5\n"), HasSubstr("\"widht\" is none of"));
  EXPECT_THAT(error("net A\nwidth w 5\n"), HasSubstr("say which nets it is for"));
  EXPECT_THAT(error("net\n"), HasSubstr("line 1"));
}

}  // namespace
}  // namespace doppio
