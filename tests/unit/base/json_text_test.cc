#include "base/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace base {
namespace {

using nlohmann::json;

TEST(JsonText, IndentsAndSortsKeys) {
  EXPECT_EQ(json_text(json{{"b", 1}, {"a", {1, 2}}}), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": 1\n}");
  EXPECT_EQ(json_line(json{{"b", 1}, {"a", {1, 2}}}), R"({"a":[1,2],"b":1})");
}

TEST(JsonText, BytesThatAreNoTextDoNotStopAReport) {
  EXPECT_EQ(json_text(json("caf\xe9")), "\"caf\xef\xbf\xbd\"");
  EXPECT_EQ(json_line(json("caf\xe9")), "\"caf\xef\xbf\xbd\"");
}

TEST(JsonText, ParsesOneValueAndNothingBehindIt) {
  EXPECT_EQ(parse_json(R"({"a": [1, 2]})"), (json{{"a", {1, 2}}}));
  for (const char* wrong : {"", "{", "1 2", "{} x", "nul", "\"\xe9\""})
    EXPECT_THROW(parse_json(wrong), json::exception) << wrong;
}

}  // namespace
}  // namespace base
