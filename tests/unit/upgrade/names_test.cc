#include "upgrade/names.h"

#include <gtest/gtest.h>

namespace upgrade {
namespace {

TEST(GenerationName, IsMadeAndParsed) {
  const struct {
    const char* name;
    Generation generation;
  } cases[] = {{"Data.fs.0", {0, false}},     {"Data.fs.1", {1, false}},     {"Data.fs.1.gz", {1, true}},
               {"Data.fs.12.gz", {12, true}}, {"Data.fs.999", {999, false}}, {"Data.fs.999.gz", {999, true}},
               {"Data.fs.0.gz", {0, true}}};
  for (const auto& one : cases) {
    EXPECT_EQ(generation_name("Data.fs", one.generation), one.name);
    EXPECT_EQ(parse_generation("Data.fs", one.name), one.generation) << one.name;
  }
  EXPECT_EQ(parse_generation("another-Data.fs", "another-Data.fs.3.gz"), (Generation{3, true}));
}

TEST(GenerationName, IsNoOtherName) {
  for (const char* name : {"",
                           "Data.fs",
                           "Data.fs.",
                           "Data.fs..gz",
                           "Data.fs.gz",
                           "Data.fs.01",
                           "Data.fs.00",
                           "Data.fs.-1",
                           "Data.fs.+1",
                           "Data.fs.1 ",
                           "Data.fs. 1",
                           "Data.fs.1.",
                           "Data.fs.1.gz.gz",
                           "Data.fs.1.bz2",
                           "Data.fs.1.GZ",
                           "Data.fs.1x",
                           "Data.fs.x1",
                           "Data.fs.1000",
                           "Data.fs.2010",
                           "Data.fs.2010.gz",
                           "Data.fs.20120903",
                           "Data.fs.99999999999999999999",
                           "Data.fs.index",
                           "Data.fs.old",
                           "Data.fs.lock",
                           "Data.fs.tmp",
                           "Data.fs.tr0",
                           "another-Data.fs.1",
                           "Data.fs1",
                           "Data.fs.1\n",
                           ".Data.fs.1.dbtools-0123456789abcdef.tmp",
                           "Data.fs.blank-20261123T141908Z"}) {
    EXPECT_EQ(parse_generation("Data.fs", name), std::nullopt) << name;
  }
  EXPECT_EQ(parse_generation("Data.fs", std::string("Data.fs.1\0", 10)), std::nullopt);
}

TEST(GenerationsIn, AreTheNewestFirstAndPlainBeforeCompressed) {
  const std::vector<Generation> expected = {{0, false}, {1, false}, {1, true}, {2, true}, {10, false}};
  EXPECT_EQ(generations_in("Data.fs", {"Data.fs", "Data.fs.1.gz", "Data.fs.10", "Data.fs.2.gz", "Data.fs.0",
                                       "Data.fs.1", "another-Data.fs.5", "Data.fs.index"}),
            expected);
  EXPECT_TRUE(generations_in("Data.fs", {}).empty());
}

TEST(DisplacedName, IsMadeAndRecognised) {
  const base::UtcTime moment{1795443548, 0};
  EXPECT_EQ(displaced_name("Data.fs", "blank", moment), "Data.fs.blank-20261123T141908Z");
  for (const char* word : {"blank", "truncated", "damaged", "foreign", "replaced"}) {
    EXPECT_TRUE(is_displaced_name("Data.fs", displaced_name("Data.fs", word, moment))) << word;
    EXPECT_FALSE(is_displaced_name("another-Data.fs", displaced_name("Data.fs", word, moment))) << word;
  }
  for (const char* name :
       {"Data.fs.blank", "Data.fs.blank-", "Data.fs.blank-2026", "Data.fs.blank-20261123t141908z",
        "Data.fs.blank-20261123T14190Z", "Data.fs.good-20261123T141908Z", "Data.fs.blank-2026112xT141908Z",
        "Data.fs.1", "Data.fs"}) {
    EXPECT_FALSE(is_displaced_name("Data.fs", name)) << name;
  }
}

TEST(HeldName, BelongsToItsDatabase) {
  const std::string id = upgrade_id({1795443548, 0}, 0xabcdef0123451f3aU);
  EXPECT_EQ(id, "20261123T141908Z-1f3a");
  EXPECT_EQ(held_name("Data.fs", id), "Data.fs.20261123T141908Z-1f3a.held");
  EXPECT_TRUE(is_held_name("Data.fs", held_name("Data.fs", id)));
  EXPECT_FALSE(is_held_name("another-Data.fs", held_name("Data.fs", id)));
  EXPECT_FALSE(is_held_name("Data.fs", "Data.fs.0"));
  EXPECT_FALSE(is_held_name("Data.fs", "Data.fs.20261123T141908Z-1f3a.held.tmp"));
}

TEST(UpgradeId, SortsByTime) {
  EXPECT_LT(upgrade_id({1795443548, 0}, 0xffffU), upgrade_id({1795443549, 0}, 0U));
}

TEST(ZodbsOwnNames, StandBesideTheDatabase) {
  EXPECT_EQ(index_name("Data.fs"), "Data.fs.index");
  EXPECT_EQ(lock_name("another-Data.fs"), "another-Data.fs.lock");
}

}  // namespace
}  // namespace upgrade
