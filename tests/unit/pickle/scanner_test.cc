#include "pickle/scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/errors.h"

namespace pickle {
namespace {

using base::ErrorKind;
using support::fails_with;
using Oids = std::vector<base::Oid>;
using namespace std::string_literals;

const std::string kClass = "cschool.low\nThing\n.";
const std::string kOid7 = "\0\0\0\0\0\0\0\7"s;
const std::string kOid9 = "\0\0\0\0\0\0\0\t"s;

Oids strong(const std::string& record) {
  Scanner scanner;
  const auto found = scanner.strong(base::as_bytes(record));
  return {found.begin(), found.end()};
}
Oids of_state(const std::string& state) {
  return strong(kClass + state);
}
bool refuses(const std::string& state, std::string_view why) {
  return fails_with(
      ErrorKind::corrupt, [&] { of_state(state); }, why);
}

TEST(Scanner, ReadsAnOidInEveryFormOfString) {
  EXPECT_EQ(of_state("C\x08" + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("U\x08" + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("T\x08\0\0\0"s + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("B\x08\0\0\0"s + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("X\x08\0\0\0"s + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("\x8c\x08" + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("\x8d\x08\0\0\0\0\0\0\0"s + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("\x8e\x08\0\0\0\0\0\0\0"s + kOid7 + "Q."), Oids{7});
  EXPECT_EQ(of_state("S'\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x07'\nQ."), Oids{7});
  EXPECT_EQ(of_state("V\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0007\nQ."), Oids{7});
  EXPECT_EQ(of_state("Pabcdefgh\n."), Oids{0x6162636465666768});
}

TEST(Scanner, TakesTheBytesOfAPython2OidAsTheyAre) {
  EXPECT_EQ(of_state("U\x08\xff\xff\xff\xff\xff\xff\xff\xfeQ."), Oids{0xfffffffffffffffe});
}

TEST(Scanner, TakesTheFirstMemberOfATuple) {
  EXPECT_EQ(of_state("(C\x08" + kOid7 + "cm\nn\ntQ."), Oids{7});
  EXPECT_EQ(of_state("C\x08" + kOid7 + "cm\nn\n\x86Q."), Oids{7});
  EXPECT_EQ(of_state("C\x08" + kOid7 + "\x85Q."), Oids{7});
  EXPECT_EQ(of_state("C\x08" + kOid7 + "NC\x08" + kOid9 + "\x87Q."), Oids{7});
}

TEST(Scanner, PassesOverLists) {
  EXPECT_EQ(of_state("](X\1\0\0\0wC\x08"s + kOid7 +
                     "\x85"
                     "eQ."),
            Oids{});
  EXPECT_EQ(of_state("(C\x08" + kOid7 + "lQ."), Oids{});
}

TEST(Scanner, CountsReferencesWhateverBecomesOfThem) {
  EXPECT_EQ(of_state("C\x08" + kOid7 + "Q0N."), Oids{7});
  EXPECT_EQ(of_state("(C\x08" + kOid7 + "QC\x08" + kOid7 + "Q1N."), (Oids{7, 7}));
  EXPECT_EQ(of_state("}C\x08" + kOid7 + "QNs."), Oids{7});
  // The class part of another reference.
  EXPECT_EQ(of_state("C\x08" + kOid7 + "C\x08" + kOid9 + "Q\x86Q."), (Oids{9, 7}));
}

TEST(Scanner, ReadsBothPicklesAndWhatIsBehindNot) {
  EXPECT_EQ(strong("C\x08" + kOid9 + "QN\x86.C\x08" + kOid7 + "Q.not a pickle"), (Oids{9, 7}));
}

TEST(Scanner, SharesTheMemoBetweenBothPickles) {
  EXPECT_EQ(strong("C\x08" + kOid7 + "q\1.h\1Q."), Oids{7});
  EXPECT_EQ(strong("C\x08" + kOid7 + "p1\n.g1\nQ."), Oids{7});
  EXPECT_EQ(strong("C\x08" + kOid7 + "\x94.h\0Q."s), Oids{7});
}

TEST(Scanner, ForgetsTheMemoOfTheRecordBefore) {
  Scanner scanner;
  const std::string first = kClass + "C\x08" + kOid7 + "q\0."s, second = kClass + "h\0Q."s;
  scanner.strong(base::as_bytes(first));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { scanner.strong(base::as_bytes(second)); }, "no such entry"));
  const std::string far = kClass + "C\x08" + kOid7 + "r\xff\xff\xff\x7f.",
                    far_get = kClass + "j\xff\xff\xff\x7fQ.";
  scanner.strong(base::as_bytes(far));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { scanner.strong(base::as_bytes(far_get)); }, "no such entry"));
}

TEST(Scanner, CountsMemoEntriesAsPythonDoes) {
  // Two puts to one number are one entry; the number 9 is the second; so MEMOIZE stores under 2.
  EXPECT_EQ(of_state("Nq\0q\0Nq\x09"s + "C\x08" + kOid7 +
                     "\x94"
                     "h\2Q."),
            Oids{7});
}

TEST(Scanner, RefusesAPlaceInTheMemoThatWasPassedOver) {
  EXPECT_TRUE(refuses("Nq\x05h\3."s, "no such entry"));
}

TEST(Scanner, RefusesReferencesThatAreNoOids) {
  EXPECT_TRUE(refuses("K\7Q.", "no oid"));
  EXPECT_TRUE(refuses("C\7\0\0\0\0\0\0\7Q."s, "no oid"));
  EXPECT_TRUE(refuses("N\x85Q.", "no oid"));
  EXPECT_TRUE(refuses("\x8c\x08\xc3\xa4\0\0\0\0\0\7Q."s, "no oid"));
  EXPECT_TRUE(refuses("Pabc\n.", "no oid"));
  EXPECT_TRUE(refuses("Pabcdefg\x80\n.", "no oid"));
  EXPECT_TRUE(refuses("\x96\x08\0\0\0\0\0\0\0"s + kOid7 + "Q.", "no oid"));
}

TEST(Scanner, KeepsWhatItFoundBeforeAFault) {
  Scanner scanner;
  const std::string record = kClass + "C\x08" + kOid7 + "QK\7Q.";
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [&] { scanner.strong(base::as_bytes(record)); }, "byte 32 (BINPERSID)"));
  EXPECT_EQ(Oids(scanner.found().begin(), scanner.found().end()), Oids{7});
}

TEST(Scanner, RefusesWhatIsNotTwoPickles) {
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { strong(""); }, "ends in the middle"));
  EXPECT_TRUE(fails_with(
      ErrorKind::corrupt, [] { strong(kClass); }, "ends in the middle"));
  EXPECT_TRUE(refuses("\xff.", "no opcode at byte 19 (0xff)"));
  EXPECT_TRUE(refuses("\x80\6N.", "protocol"));
  EXPECT_TRUE(
      refuses("X\xff\xff\xff\xff"
              "abc.",
              "over the end"));
  EXPECT_TRUE(refuses("\x8e\xff\xff\xff\xff\xff\xff\xff\xff.", "over the end"));
  EXPECT_TRUE(
      refuses("T\xff\xff\xff\xff"
              "abc.",
              "negative"));
  EXPECT_TRUE(refuses("t.", "no mark"));
  EXPECT_TRUE(refuses("(0t.", "no mark"));
  EXPECT_TRUE(refuses("N(R.", "too few"));
  EXPECT_TRUE(refuses("X\2\0\0\0\xff\xff."s, "not UTF-8"));
  EXPECT_TRUE(refuses(".", "too few"));
  EXPECT_TRUE(refuses("(.", "too few"));
  EXPECT_TRUE(refuses("(q\0."s, "too few"));
  EXPECT_TRUE(refuses("\x97.", "outside"));
}

TEST(Scanner, StandsDeepNestingAndManyValues) {
  const std::string deep = std::string(1'000'000, '(') + std::string(1'000'000, 't') + ".";
  EXPECT_EQ(of_state(deep), Oids{});
  EXPECT_EQ(of_state("(" + std::string(1'000'000, 'N') + "t."), Oids{});
  EXPECT_EQ(of_state(std::string(1'000'000, ']') + std::string(999'999, 'a') + "."), Oids{});
}

// Every pair of opcodes, with a few operands behind: whatever happens, nothing is read outside (the
// sanitizers watch).
TEST(Scanner, StandsEveryPairOfOpcodes) {
  Scanner scanner;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (const std::string& operands : {""s, "\1\0\0\0\1\n\1\n.."s, "(N]C\x01Q.."s}) {
        const std::string record = "(N" + std::string(1, static_cast<char>(first)) +
                                   std::string(1, static_cast<char>(second)) + operands;
        try {
          scanner.strong(base::as_bytes(record));
        } catch (const base::Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::corrupt);
        }
      }
    }
  }
}

}  // namespace
}  // namespace pickle
