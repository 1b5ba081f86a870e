#include "zeo/pickle_reader.h"

#include <gtest/gtest.h>

#include "support/errors.h"

namespace {

using namespace std::string_literals;
using base::ErrorKind;
using zeo::PickleReader;
using zeo::ValueKind;
using zeo::Values;

std::string shown(const std::string& pickle) {
  Values values;
  return zeo::describe(values, PickleReader(base::as_bytes(pickle), values).read());
}

testing::AssertionResult refused(const std::string& pickle, std::string_view part = "") {
  return support::fails_with(
             ErrorKind::protocol, [&] { shown(pickle); }, part)
         << " " << base::to_hex(base::as_bytes(pickle));
}

TEST(PickleReader, ReadsNumbers) {
  const std::pair<std::string, std::string> cases[] = {
      {"K\xff."s, "255"},
      {"M\x02\x01."s, "258"},
      {"J\xff\xff\xff\xff."s, "-1"},
      {"J\x00\x00\x00\x80."s, "-2147483648"},
      {"I42\n."s, "42"},
      {"I-7\n."s, "-7"},
      {"I00\n."s, "no"},
      {"I01\n."s, "yes"},
      {"L8336L\n."s, "8336"},
      {"L-9223372036854775808L\n."s, "-9223372036854775808"},
      {"\x8a\x00."s, "0"},
      {"\x8a\x01\xff."s, "-1"},
      {"\x8a\x02\xff\x00."s, "255"},
      {"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f."s, "9223372036854775807"},
      {"G\x40\x04\x00\x00\x00\x00\x00\x00."s, "2.5"},
      {"N."s, "none"},
      {"\x80\x03\x88."s, "yes"},
      {"\x89."s, "no"},
  };
  for (const auto& [pickle, text] : cases) EXPECT_EQ(shown(pickle), text);
}

TEST(PickleReader, ReadsTextsAndContainers) {
  EXPECT_EQ(shown("U\x03"
                  "abc."),
            "'abc'");
  EXPECT_EQ(shown("T\x03\0\0\0abc."s), "'abc'");
  EXPECT_EQ(shown("X\x03\0\0\0abc."s), "'abc'");
  EXPECT_EQ(shown("C\x02\0\x07."s), "'\\x00\\x07'");
  EXPECT_EQ(shown("B\x01\0\0\0a."s), "'a'");
  EXPECT_EQ(shown("(K\1K\2t."), "1, 2");
  EXPECT_EQ(shown("K\1K\2\x86."), "1, 2");
  EXPECT_EQ(shown("K\1K\2K\3\x87\x85."), "(1, 2, 3)");
  EXPECT_EQ(shown("](K\1K\2eK\3a."), "1, 2, 3");
  EXPECT_EQ(shown("}(U\1aK\1U\1bK\2uU\1cNs."), "'a': 1, 'b': 2, 'c': none");
  EXPECT_EQ(shown("U\1aq\5h\5\x86r\1\0\0\0j\1\0\0\0\x86."s), "('a', 'a'), ('a', 'a')");
}

TEST(PickleReader, NamesClassesAndMakesNothingOfThem) {
  Values values;
  const std::string pickle = "cos\nsystem\n(U\x09rm -rf /*tR}U\1aK\1sb.";
  const zeo::Value& object = values.at(PickleReader(base::as_bytes(pickle), values).read());
  EXPECT_EQ(object.kind, ValueKind::object);
  ASSERT_EQ(object.items.size(), 3U);
  EXPECT_EQ(values.at(object.items[0]).kind, ValueKind::global);
  EXPECT_EQ(values.at(object.items[0]).text, "os.system");
  EXPECT_EQ(zeo::describe(values, object.items[1]), "'rm -rf /*'");
  EXPECT_EQ(zeo::describe(values, object.items[2]), "'a': 1");
}

TEST(PickleReader, RefusesWhatDoesNotFitTogether) {
  for (const std::string& pickle :
       {"."s,      "K\1K\2."s, "(K\1."s,    "t."s,          "e."s,    "(K\1e."s, "K\1(K\2e."s, "}(K\1u."s,
        "}K\1s."s, "\x86."s,   "K\1\x86."s, "(K\1(\x85t."s, "R."s,    "K\1R."s,  "K\1b."s,     "K\1K\2b."s,
        "Nb."s,    "q\1."s,    "h\1."s,     "a."s,          "K\1a."s, ")K\1s."s, "(q\1t."s})
    EXPECT_TRUE(refused(pickle));
}

TEST(PickleReader, RefusesNumbersBeyond64Bits) {
  EXPECT_TRUE(refused("I99999999999999999999\n.", "64 bits"));
  EXPECT_TRUE(refused("L9223372036854775808L\n.", "64 bits"));
  EXPECT_TRUE(
      refused("\x8a\x09"
              "123456789.",
              "64 bits"));
  EXPECT_TRUE(refused("I4x\n."));
  EXPECT_TRUE(refused("I\n."));
  EXPECT_TRUE(refused("L\n."));
}

TEST(PickleReader, RefusesEveryOtherOpcodeAndProtocol) {
  const std::string known =
      "KMJIL\x8aGN\x88\x89UTXCBc()]}t\x85\x86\x87"
      "aesuRbqrhj.\x80";
  for (int byte = 0; byte < 256; ++byte) {
    const char opcode = static_cast<char>(byte);
    if (known.find(opcode) != std::string::npos) continue;
    EXPECT_TRUE(refused(std::string(1, opcode) + "N.", "with the opcode"));
  }
  EXPECT_TRUE(refused("\x80\x04N.", "protocol 4"));
}

TEST(PickleReader, RefusesLengthsBeyondTheMessage) {
  for (const std::string& pickle : {"U\xff"
                                    "a."s,
                                    "X\xff\xff\xff\xff"
                                    "a."s,
                                    "B\4\0\0\0abc"s, "T\0\0\0\x80."s, "\x8a\xff\1."s, "I12"s, "cos\nsystem"s})
    EXPECT_TRUE(refused(pickle, "ends in the middle"));
}

TEST(PickleReader, BoundsTheNumberOfValues) {
  EXPECT_TRUE(refused("(" + std::string(Values::kMost + 1, 'N') + "t.", "more than 65536 values"));
}

// Each list has the one before twice: written out, the last one would have 2^100 members.
TEST(PickleReader, IsNotBlownUpByRepetition) {
  std::string pickle = "U\1aq\1";
  for (int i = 0; i < 100; ++i) pickle += "h\1\x86q\1"s;
  EXPECT_LT(shown(pickle + ".").size(), 3000U);
}

TEST(PickleReader, IsNotCaughtInAListThatHasItself) {
  const std::string text = shown("]q\1h\1ah\1a.");
  EXPECT_LT(text.size(), 3000U);
  EXPECT_NE(text.find("..."), std::string::npos);
}

TEST(PickleReader, IsShownShortAndNotDeep) {
  EXPECT_EQ(shown("N" + std::string(8, '\x85') + "."), "(((((((none)))))))");
  EXPECT_EQ(shown("N" + std::string(9, '\x85') + "."), "(((((((...)))))))");
  const std::string text = shown("(" + std::string(10000, 'N') + "t.");
  EXPECT_LT(text.size(), 420U);
  EXPECT_TRUE(text.ends_with("none, ...") || text.ends_with("none...")) << text;
}

TEST(PickleReader, NestsDeeplyWithoutRecursion) {
  EXPECT_NE(shown("N" + std::string(60000, '\x85') + ".").find("..."), std::string::npos);
  EXPECT_TRUE(refused(std::string(1 << 20, '(') + "."));
}

}  // namespace
