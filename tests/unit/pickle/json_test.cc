#include "pickle/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "pickle/record_class.h"
#include "support/errors.h"

namespace pickle {
namespace {

using base::ErrorKind;
using support::fails_with;
using namespace std::string_literals;

std::string json(const std::string& pickle, std::size_t limit = kLongestJson) {
  Values values(base::as_bytes(pickle));
  std::size_t at = 0;
  const NodeId root = values.read(at);
  return to_json(values, root, limit);
}

TEST(Json, WritesFloatsAsPythonDoes) {
  EXPECT_EQ(float_repr(0), "0.0");
  EXPECT_EQ(float_repr(-0.0), "-0.0");
  EXPECT_EQ(float_repr(1), "1.0");
  EXPECT_EQ(float_repr(123.456), "123.456");
  EXPECT_EQ(float_repr(0.1), "0.1");
  EXPECT_EQ(float_repr(0.0001), "0.0001");
  EXPECT_EQ(float_repr(0.00001), "1e-05");
  EXPECT_EQ(float_repr(1e15), "1000000000000000.0");
  EXPECT_EQ(float_repr(1e16), "1e+16");
  EXPECT_EQ(float_repr(12345678901234567.0), "1.2345678901234568e+16");
  EXPECT_EQ(float_repr(5e-324), "5e-324");
  EXPECT_EQ(float_repr(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(float_repr(std::nan("")), "nan");
}

TEST(Json, WritesIntegersOfAnySize) {
  EXPECT_EQ(json("\x8a\0."s), "0");
  EXPECT_EQ(json("\x8a\x01\xff."), "-1");
  EXPECT_EQ(json("\x8a\x07\xff\xff\xff\xff\xff\xff\x1f."), "9007199254740991");
  EXPECT_EQ(json("\x8a\x07\0\0\0\0\0\0\x20."s), R"({"int":"9007199254740992"})");
  EXPECT_EQ(json("\x8a\x08\0\0\0\0\0\0\0\x80."s), R"({"int":"-9223372036854775808"})");
  EXPECT_EQ(json("\x8a\x09\0\0\0\0\0\0\0\x80\0."s), R"({"int":"9223372036854775808"})");
  EXPECT_EQ(json("\x8a\x09\0\0\0\0\0\0\0\0\xff."s), R"({"int":"-18446744073709551616"})");
  EXPECT_EQ(json("\x8a\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff."), "-1");
  EXPECT_EQ(json("L-00012345678901234567890L\n."), R"({"int":"-12345678901234567890"})");
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("\x8b\0\0\1\0"s + std::string(65536, 'x') + "."); }, "too long"));
}

TEST(Json, EscapesTextAndKeepsSurrogatesApart) {
  EXPECT_EQ(json("X\x06\0\0\0\"\\\n\x01\xc3\xa4."s), "\"\\\"\\\\\\n\\u0001\xc3\xa4\"");
  EXPECT_EQ(json("X\x04\0\0\0a\xed\xa0\x80."s), R"({"text_utf16be":"0061d800"})");
  EXPECT_EQ(json("X\x07\0\0\0\xf0\x90\x80\x80\xed\xa0\x80."s), R"({"text_utf16be":"d800dc00d800"})");
  EXPECT_EQ(json("V\\u00e4\\U0001f600\n."), "\"\xc3\xa4\xf0\x9f\x98\x80\"");
  EXPECT_EQ(json("V\\\\u0041\n."), R"("\\\\u0041")");  // an even number of backslashes escapes nothing
  EXPECT_EQ(json("S'a\\x41\\101\\n\\q'\n."), R"({"str":"aAA\n\\q"})");
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("X\2\0\0\0\xc0\x80."s); }, "UTF-8"));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("V\\U00110000\n."); }, "no text"));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("X\4\0\0\0\xf5\x80\x80\x80."s); }, "UTF-8"));
}

TEST(Json, NumbersWhatOccursMoreThanOnce) {
  EXPECT_EQ(json("](]q\0h\0e."s), R"([{"id":1,"value":[]},{"same_as":1}])");
  EXPECT_EQ(json("]q\0h\0a."s), R"({"id":1,"value":[{"same_as":1}]})");
  EXPECT_EQ(json("()q\0h\0t."s), R"({"tuple":[{"tuple":[]},{"tuple":[]}]})");
  EXPECT_EQ(json("(\x96\1\0\0\0\0\0\0\0xq\0h\0t."s),
            R"({"tuple":[{"id":1,"value":{"bytearray":"78"}},{"same_as":1}]})");
  // Within a reference that is written twice.
  EXPECT_EQ(json("(C\x08\0\0\0\0\0\0\0\7(K\1t\x86Qq\0h\0t."s),
            R"({"tuple":[{"ref":{"oid":"0000000000000007","class":{"id":1,"value":{"tuple":[1]}}}},)"
            R"({"ref":{"oid":"0000000000000007","class":{"same_as":1}}}]})");
}

TEST(Json, WritesObjectsWithAllThatWasDoneToThem) {
  EXPECT_EQ(json("cm\nn\n)R(K\1e(K\2K\3u}b."),
            R"({"call":{"global":"m.n"},"args":[],"items":[1],"dictitems":[[2,3]],"state":{"dict":[]}})");
  EXPECT_EQ(json("(K\1im\nn\n."), R"({"call":{"global":"m.n"},"args":[1]})");
  EXPECT_EQ(json("(cm\nn\nK\1o."), R"({"call":{"global":"m.n"},"args":[1]})");
  EXPECT_EQ(json("cm\nn\nNR."), R"({"call":{"global":"m.n"},"args":null})");
  EXPECT_EQ(json("\x8c\1m\x8c\3n.o\x93)}\x92."), R"({"new":{"global":"m.n.o"},"args":[],"kwargs":[]})");
  EXPECT_EQ(json("\x84\xff\xff\xff\xff."), R"({"extension":4294967295})");
}

TEST(Json, WritesReferencesOfEveryKind) {
  const std::string oid = "C\x08\0\0\0\0\0\0\0\7"s;
  EXPECT_EQ(json(oid + "Q."), R"({"ref":{"oid":"0000000000000007"}})");
  EXPECT_EQ(json("]" + oid + "aQ."), R"({"ref":{"kind":"weak","oid":"0000000000000007"}})");
  EXPECT_EQ(json("](U\1w" + oid +
                 "\x85"
                 "eQ."),
            R"({"ref":{"kind":"weak","oid":"0000000000000007"}})");
  EXPECT_EQ(json("](U\1nU\2db" + oid +
                 "\x86"
                 "eQ."),
            R"({"ref":{"kind":"other","oid":"0000000000000007","database":"db"}})");
  EXPECT_EQ(json("](U\1zU\2db\x85"
                 "eQ."),
            R"({"ref":{"kind":"unknown","raw":[{"str":"z"},{"tuple":[{"str":"db"}]}]}})");
}

TEST(Json, NeverGrowsBeyondItsLimit) {
  // A text of 1,000 bytes, named 1,000 times.
  std::string pickle = "(X\xe8\3\0\0"s + std::string(1000, 'x') + "q\0"s;
  for (int i = 0; i < 999; ++i) pickle += "h\0"s;
  pickle += "l.";
  EXPECT_GT(json(pickle).size(), 1'000'000u);
  EXPECT_TRUE(fails_with(
      ErrorKind::unsupported, [&] { json(pickle, 500'000); }, "too long"));
}

TEST(Json, StandsDeepNesting) {
  const std::string lists = std::string(1'000'000, '(') + std::string(1'000'000, 'l') + ".";
  EXPECT_EQ(json(lists), std::string(1'000'000, '[') + std::string(1'000'000, ']'));
  const std::string tuples = "N" + std::string(100'000, '\x85') + ".";
  EXPECT_EQ(json(tuples).size(), 4 + 100'000 * 12u);
}

TEST(Json, RefusesWhatNoPickleCanMean) {
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("(K\1d."); }, "no value"));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("NK\1a."); }, "no list"));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("N}b."); }, "no object"));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { json("K\1K\2\x93."); }, "no text"));
}

TEST(RecordClass, IsFoundInEveryForm) {
  const auto name = [](const std::string& record) {
    const auto found = class_of(base::as_bytes(record));
    return found ? found->full_name() + (found->alone ? " alone" : "") : "none";
  };
  EXPECT_EQ(name("cm\nn\n."), "m.n alone");
  EXPECT_EQ(name("\x80\3cm\nn\nq\0."s), "m.n alone");
  EXPECT_EQ(name("\x80\4\x8c\1m\x94\x8c\1n\x94\x93."), "m.n alone");
  EXPECT_EQ(name("(cm\nn\nNt."), "m.n");
  EXPECT_EQ(name("((U\1mU\1ntNt."), "m.n");
  EXPECT_EQ(name("C\x08\0\0\0\0\0\0\0\7QN\x86."s), "none");
  EXPECT_EQ(name("K\1."), "none");
  EXPECT_EQ(name("((U\1mU\1nU\1otNt."), "none");
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { name("cm\n"); }));
}

}  // namespace
}  // namespace pickle
