#include "repozo/chains.h"

#include <gtest/gtest.h>

#include <numeric>

#include "io/mem_env.h"

namespace {

using namespace repozo;

// A repository of files whose content does not matter, and the .dat lines that tell of them.
class Chains : public testing::Test {
 protected:
  void piece(const std::string& name, std::size_t size) {
    mem_.put_file("/repo/" + name, std::string(size, 'x'));
  }
  void dat(const std::string& stamp, const std::vector<std::tuple<std::string, int, int>>& lines) {
    std::string text;
    for (const auto& [name, start, end] : lines) {
      text += "repo/" + name + " " + std::to_string(start) + " " + std::to_string(end) + " " +
              std::string(32, 'a') + "\n";
    }
    mem_.put_file("/repo/" + stamp + ".dat", text);
  }
  Repository repository() { return {mem_, mem_.open_dir("/repo", io::Links::refuse), "repo"}; }

  static std::string names(const std::vector<Piece>& pieces) {
    std::string text;
    for (const Piece& each : pieces)
      text += (text.empty() ? "" : " ") + each.name.file().substr(8, 2) +
              (each.name.kind == Kind::full ? "F" : "") + (each.missing ? "-" : "");
    return text;
  }
  std::string state(const std::string& date = "") {
    Repository repo = repository();
    const auto chain = chain_at(repo, date);
    return chain ? names(pieces_that_count(*chain)) : "none";
  }
  std::string problem() {
    Repository repo = repository();
    const auto found = problem_of(pieces_that_count(*chain_at(repo, "")));
    return found ? found->name.substr(8, 2) + " " + found->text : "";
  }

  io::MemEnv mem_;
  const std::string f1 = "2013-02-01-00-00-00.fs", d2 = "2013-02-02-00-00-00.deltafs",
                    d3 = "2013-02-03-00-00-00.deltafs", f4 = "2013-02-04-00-00-00.fsz",
                    d5 = "2013-02-05-00-00-00.deltafsz";
  const std::string s1 = "2013-02-01-00-00-00", s4 = "2013-02-04-00-00-00";

  Chains() {
    mem_.put_dir("/repo");
    piece(f1, 100);
    piece(d2, 20);
    piece(d3, 30);
    dat(s1, {{f1, 0, 100}, {d2, 100, 120}, {d3, 120, 150}});
  }
};

TEST_F(Chains, StateIsTheFullBackupAndWhatFollows) {
  EXPECT_EQ(state(), "01F 02 03");
  EXPECT_EQ(problem(), "");
  piece(f4, 9);
  piece(d5, 9);
  dat(s4, {{f4, 0, 1000}, {d5, 1000, 1001}});
  EXPECT_EQ(state(), "04F 05");
  EXPECT_EQ(problem(), "");
}

TEST_F(Chains, DateIsComparedAsText) {
  EXPECT_EQ(state("2013-02-02-00-00-00"), "01F 02");
  EXPECT_EQ(state("2013-02-02"), "01F");
  EXPECT_EQ(state("2013-02-01-00-00"), "none");
  EXPECT_EQ(state("2001"), "none");
  EXPECT_EQ(state("next tuesday"), "01F 02 03");
}

TEST_F(Chains, OtherFilesDoNotMatter) {
  for (const std::string name :
       {"README", "tmp.tmp", "2013-02-09-00-00-00.fs.bak", "2001-01-01-00-00-00.dat"}) {
    piece(name, 0);
  }
  mem_.put_dir("/repo/2013-02-08-00-00-00");
  EXPECT_EQ(state(), "01F 02 03");
  Repository repo = repository();
  EXPECT_EQ(list_chains(repo).size(), 1u);
}

TEST_F(Chains, MissingPieceIsNamed) {
  mem_.remove_all("/repo/" + d2);
  EXPECT_EQ(state(), "01F 02- 03");
  EXPECT_EQ(problem(), "02 is missing");
  EXPECT_EQ(state("2013-02-01-00-00-00"), "01F");
}

TEST_F(Chains, FullBackupThatIsGoneIsNamedAfterItsDat) {
  mem_.remove_all("/repo/" + f1);
  EXPECT_EQ(state(), "01F- 02 03");
  EXPECT_EQ(problem(), "01 is missing");
  mem_.remove_all("/repo/" + s1 + ".dat");
  EXPECT_EQ(state(), "02 03");
  EXPECT_EQ(problem(), "02 has no full backup before it");
}

// Not yet, or not any more: the mark says that somebody is at work on it.
TEST_F(Chains, FullBackupUnderWayIsNotMissing) {
  dat(s4, {{f4, 0, 1000}});
  mem_.put_file("/repo/" + s4 + ".sums-new", "");
  EXPECT_EQ(state(), "01F 02 03");
  mem_.remove_all("/repo/" + s4 + ".sums-new");
  EXPECT_EQ(state(), "04F-");
}

TEST_F(Chains, SizesAndPlacesHaveToFit) {
  piece(d2, 19);
  EXPECT_EQ(problem(), "02 is 19 bytes, should be 20 bytes");
  piece(d2, 20);
  dat(s1, {{f1, 0, 100}, {d2, 100, 120}, {d3, 121, 151}});
  EXPECT_EQ(problem(), "03 starts at byte 121, but what is before it ends at 120");
}

// The original's "-B -Q" after the last line of the .dat was lost: both pieces begin at 100.
TEST_F(Chains, OfTwoPiecesFromOnePlaceTheLaterCounts) {
  dat(s1, {{f1, 0, 100}, {d3, 100, 130}});
  EXPECT_EQ(state(), "01F 03");
  EXPECT_EQ(problem(), "");
  EXPECT_EQ(state("2013-02-02-00-00-00"), "01F 02");
}

TEST_F(Chains, EmptyIncrementsAllCount) {
  const std::string d6 = "2013-02-06-00-00-00.deltafs", d7 = "2013-02-07-00-00-00.deltafs";
  piece(d6, 0);
  piece(d7, 10);
  dat(s1, {{f1, 0, 100}, {d2, 100, 120}, {d3, 120, 150}, {d6, 150, 150}, {d7, 150, 160}});
  EXPECT_EQ(state(), "01F 02 03 06 07");
  EXPECT_EQ(problem(), "");
}

TEST_F(Chains, IncrementOfTheSameSecondBelongsToTheChainThatNamesIt) {
  const std::string same = s4 + ".deltafs", full = s4 + ".fs";
  piece(full, 150);
  piece(same, 10);
  dat(s4, {{full, 0, 150}, {same, 150, 160}});
  EXPECT_EQ(state(), "04F 04");
  Repository repo = repository();
  ASSERT_TRUE(newest_chain_by_name(repo));
  EXPECT_EQ(names(newest_chain_by_name(repo)->pieces), "04F") << "as the original sees it";
  // Named by the chain before.
  dat(s4, {{full, 0, 150}});
  dat(s1, {{f1, 0, 100}, {d2, 100, 120}, {d3, 120, 150}, {same, 150, 160}});
  EXPECT_EQ(state(), "04F");
  const auto chains = list_chains(repo);
  ASSERT_EQ(chains.size(), 2u);
  EXPECT_EQ(names(chains[0].pieces), "01F 02 03 04");
}

TEST_F(Chains, WithoutDatPlacesFollowFromTheSizes) {
  mem_.remove_all("/repo/" + s1 + ".dat");
  Repository repo = repository();
  const auto chain = chain_at(repo, "");
  ASSERT_TRUE(chain);
  EXPECT_FALSE(chain->has_dat);
  EXPECT_FALSE(chain->last().described);
  EXPECT_EQ(chain->last().start, 120u);
  EXPECT_EQ(chain->last().end, 150u);
}

TEST_F(Chains, DatThatIsAwayForAMomentIsFoundUnderItsOtherName) {
  const std::string text = *mem_.content("/repo/" + s1 + ".dat");
  mem_.remove_all("/repo/" + s1 + ".dat");
  mem_.put_file("/repo/" + s1 + ".dat-before", text);
  Repository repo = repository();
  EXPECT_TRUE(chain_at(repo, "")->last().in_dat);
}

TEST_F(Chains, DatThatCannotBeReadIsAProblemAndNoError) {
  mem_.put_file("/repo/" + s1 + ".dat", "junk\n");
  Repository repo = repository();
  EXPECT_EQ(chain_at(repo, "")->problem, "line 1 does not have four words: path, start, end, sum");
  mem_.put_file("/repo/" + s1 + ".dat", "");
  EXPECT_EQ(chain_at(repo, "")->problem, "is empty");
}

TEST_F(Chains, SumsTellOfWhatNoLineNames) {
  dat(s1, {{f1, 0, 100}, {d2, 100, 120}});
  const Sums sums = {*parse_name(d3), 120, 150, std::string(32, 'b'), 30, 0, {}, {Sum{}}};
  mem_.put_file("/repo/2013-02-03-00-00-00.sums", encode_sums(sums));
  Repository repo = repository();
  auto chain = chain_at(repo, "");
  EXPECT_TRUE(chain->last().described);
  EXPECT_FALSE(chain->last().in_dat);
  EXPECT_EQ(chain->last().md5, std::string(32, 'b'));
  dat(s1, {{f1, 0, 100}, {d2, 100, 120}, {d3, 120, 150}});
  chain = chain_at(repo, "");
  EXPECT_TRUE(chain->last().contradicted);
  EXPECT_EQ(chain->last().problem, "does not say the same as repo/2013-02-01-00-00-00.dat");
}

// The original overwrites the index of the one with that of the other, but knows no .sums.
TEST_F(Chains, SumsSayNothingOfAnotherFileOfTheSameSecond) {
  const std::string same = s1 + ".deltafs";
  piece(same, 10);
  dat(s1, {{f1, 0, 100}, {same, 100, 110}});
  const Sums sums = {*parse_name(f1), 0, 100, std::string(32, 'a'), 100, 0, {}, {Sum{}}};
  mem_.put_file("/repo/" + s1 + ".sums", encode_sums(sums));
  Repository repo = repository();
  const auto chain = chain_at(repo, s1);
  ASSERT_EQ(chain->pieces.size(), 2u);
  EXPECT_TRUE(chain->pieces[0].sums);
  EXPECT_FALSE(chain->pieces[1].sums);
  EXPECT_EQ(chain->pieces[1].problem, "");
}

}  // namespace
