// Every file of a repository cut, altered and removed: verify tells and names it, recover refuses, and what
// stood at the output stands.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "support/fs_builder.h"
#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using support::Files;
using support::kOldIndex;
using support::kOldOutput;
using support::kStamps;
using support::Packing;
using support::RepozoRun;

const std::string kRepo = std::string(support::kRepoDir) + "/";
const std::string kOut = std::string(support::kRepozoDir) + "/out.fs";

struct Damage {
  std::string how;
  std::function<std::optional<std::string>(const std::string&)> make;  // none: the file is removed
};

Damage bit(std::size_t tenths) {
  return {"a bit changed at " + std::to_string(tenths) + "/10", [tenths](const std::string& content) {
            std::string changed = content;
            const std::size_t at = std::min(content.size() * tenths / 10, content.size() - 1);
            changed[at] = static_cast<char>(changed[at] ^ (1 << (tenths % 8)));
            return std::optional(changed);
          }};
}

Damage cut(std::size_t tenths) {
  return {"cut to " + std::to_string(tenths) + "/10", [tenths](const std::string& content) {
            return std::optional(content.substr(0, content.size() * tenths / 10));
          }};
}

std::vector<Damage> damages() {
  std::vector<Damage> all = {
      {"removed", [](const std::string&) { return std::nullopt; }},
      {"without its last byte",
       [](const std::string& c) { return std::optional(c.substr(0, c.size() - 1)); }},
      {"with a byte more", [](const std::string& c) { return std::optional(c + "x"); }},
      {"zeroed", [](const std::string& c) { return std::optional(std::string(c.size(), '\0')); }},
      {"another of the same size",
       [](const std::string& c) { return std::optional(std::string(c.rbegin(), c.rend())); }}};
  for (std::size_t tenths = 0; tenths <= 10; ++tenths) all.push_back(bit(tenths));
  for (const std::size_t tenths : {0u, 3u, 5u, 9u}) all.push_back(cut(tenths));
  return all;
}

class RepozoDamage : public testing::TestWithParam<Packing> {
 protected:
  // The school's repository with one file damaged.
  void damage(io::MemEnv& mem, const std::string& name, const Damage& damage) {
    support::put_school(mem, GetParam());
    const auto content = damage.make(support::school_repository(GetParam()).at(name));
    if (content) {
      mem.put_file(kRepo + name, *content);
    } else {
      mem.remove_all(kRepo + name);
    }
  }

  void expect_output_untouched(io::MemEnv& mem) {
    EXPECT_BYTES(mem.content(kOut), kOldOutput);
    EXPECT_BYTES(mem.content(kOut + ".index"), kOldIndex);
    EXPECT_EQ(mem.status(kOut)->mode, 0640u);
    EXPECT_EQ(support::files_in(mem, support::kRepozoDir).size(), 3u)
        << "something is left beside Data.fs and out.fs";
  }

  std::vector<std::string> names(const std::string& ending) {
    std::vector<std::string> found;
    for (const auto& file : support::school_repository(GetParam())) {
      if (file.first.ends_with(ending)) found.push_back(file.first);
    }
    return found;
  }
};

const std::vector<std::string> kVerify = {"-V", "-r", "repo"};
const std::vector<std::string> kRecover = {"-R", "-r", "repo", "-o", "out.fs"};

std::string data_name(std::size_t backup, Packing packing) {
  return kStamps[backup] + (backup == 0 ? ".fs" : ".deltafs") + (packing == Packing::gzip ? "z" : "");
}

TEST_P(RepozoDamage, OfNothingIsFound) {
  io::MemEnv mem;
  support::put_school(mem, GetParam());
  EXPECT_EQ(support::plain_verify(support::files_in(mem, support::kRepoDir)), "");
  EXPECT_EQ(support::run_repozo(mem, kVerify).status, 0);
  const RepozoRun run = support::run_repozo(mem, kRecover);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_BYTES(mem.content(kOut), support::school_states().back());
  EXPECT_BYTES(mem.content(kOut + ".index"),
               support::school_repository(GetParam()).at(kStamps[3] + ".index"));
}

TEST_P(RepozoDamage, OfABackupFileIsToldByVerifyAndStopsARecover) {
  std::size_t tried = 0;
  for (std::size_t backup = 0; backup < kStamps.size(); ++backup) {
    const std::string name = data_name(backup, GetParam());
    for (const Damage& each : damages()) {
      // With and without the block checksums, as the original leaves a repository.
      for (const bool sums : {true, false}) {
        SCOPED_TRACE(name + " " + each.how + (sums ? "" : ", no block checksums"));
        io::MemEnv mem;
        damage(mem, name, each);
        if (!sums) {
          for (const std::string& stamp : kStamps) mem.remove_all(kRepo + stamp + ".sums");
        }
        const std::string& changed = mem.content(kRepo + name).value_or("");
        if (changed == support::school_repository(GetParam()).at(name)) continue;
        ++tried;
        const RepozoRun verified = support::run_repozo(mem, kVerify);
        EXPECT_EQ(verified.status, 1);
        EXPECT_EQ(verified.out, "");
        EXPECT_NE(verified.err.find(name), std::string::npos) << verified.err;
        for (const bool with_verify : {false, true}) {
          auto words = kRecover;
          if (with_verify) words.push_back("-w");
          const RepozoRun recovered = support::run_repozo(mem, words);
          EXPECT_EQ(recovered.status, 1);
          EXPECT_NE(recovered.err.find(name), std::string::npos) << recovered.err;
          expect_output_untouched(mem);
        }
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(tried, 120u);
}

constexpr std::size_t kGzipHeader = 10, kGzipTrailer = 8;

// Of the header of a gzip member: whether this bit, counted from the lowest of a byte, means nothing to us.
bool carries_nothing(std::size_t at, unsigned bit) {
  if (at == 3) return bit == 0;  // FTEXT: it may be text. The others announce fields, or are reserved
  return at >= 4;                // MTIME, XFL, OS
}

// Every bit of a compressed piece, which is one member. Of the header just those are free that carry nothing;
// of the trailer, CRC and length, none. Between them a bit may be changed that leaves the content what it was
// (behind the last code, or of a distance in what repeats): that is harmless, and nothing else is taken.
TEST(RepozoGzipDamage, OfEachBitIsToldUnlessItCarriesNothing) {
  const std::string name = data_name(2, Packing::gzip);
  const std::string whole = support::school_repository(Packing::gzip).at(name);
  ASSERT_LT(whole.size(), 2000u);
  std::size_t harmless = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      SCOPED_TRACE("byte " + std::to_string(at) + ", bit " + std::to_string(bit));
      io::MemEnv mem;
      support::put_school(mem, Packing::gzip);
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      mem.put_file(kRepo + name, changed);
      const RepozoRun verified = support::run_repozo(mem, kVerify);
      if (verified.status == 0) {
        EXPECT_TRUE(at < kGzipHeader ? carries_nothing(at, bit) : at < whole.size() - kGzipTrailer);
        EXPECT_BYTES(support::unpacked(name, changed), support::unpacked(name, whole));
        harmless += at < kGzipHeader;
      } else {
        EXPECT_NE(verified.err.find(name + " is damaged: "), std::string::npos) << verified.err;
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_EQ(harmless, 1u + 6 * 8);
}

// As Python's gzip module writes it: with the name of a file that was renamed since.
// As the original, which unpacks it to know its size.
TEST(RepozoGzipDamage, IsToldByAQuickVerifyToo) {
  const std::string name = data_name(2, Packing::gzip);
  const std::string whole = support::school_repository(Packing::gzip).at(name);
  std::string changed = whole;
  changed[whole.size() / 2] = static_cast<char>(changed[whole.size() / 2] ^ 1);
  io::MemEnv mem;
  support::put_school(mem, Packing::gzip);
  EXPECT_EQ(support::run_repozo(mem, {"-V", "-Q", "-r", "repo"}).status, 0);
  mem.put_file(kRepo + name, changed);
  const RepozoRun run = support::run_repozo(mem, {"-V", "-Q", "-r", "repo"});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.err.find("repo/" + name + " is damaged: "), 0u) << run.err;
}

// Nobody could recover what a quick backup would add behind it.
TEST(RepozoGzipDamage, ThatCutsAFileIsSeenByAQuickBackup) {
  const std::string name = data_name(1, Packing::gzip);
  const std::string whole = support::school_repository(Packing::gzip).at(name);
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{0}}) {
    io::MemEnv mem;
    support::put_school(mem, Packing::gzip);
    mem.put_file(kRepo + name, whole.substr(0, size));
    const RepozoRun run = support::run_repozo(mem, {"-B", "-Q", "-r", "repo", "-f", "Data.fs"});
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.err, "repozo: repo/" + name + " is " + std::to_string(size) +
                           " bytes (compressed), should be " + std::to_string(whole.size()) +
                           " bytes; a full backup is made instead of an increment\n");
    EXPECT_EQ(support::run_repozo(mem, {"-R", "-r", "repo"}).out, support::school_states().back());
  }
}

// Sound in itself, and nothing but the .dat tells that it held more.
TEST(RepozoGzipDamage, ThatMakesTheContentShorterIsSeenByABackup) {
  const std::string name = data_name(1, Packing::gzip);
  const std::string content = support::unpacked(name, support::school_repository(Packing::gzip).at(name));
  io::MemEnv mem;
  support::put_school(mem, Packing::gzip);
  mem.remove_all(kRepo + kStamps[1] + ".sums");
  mem.put_file(kRepo + name, support::gzipped(content.substr(0, content.size() - 9)));
  const RepozoRun run = support::run_repozo(mem, {"-B", "-r", "repo", "-f", "Data.fs"});
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "repozo: repo/" + name + " is " + std::to_string(content.size() - 9) +
                         " bytes (when uncompressed), should be " + std::to_string(content.size()) +
                         " bytes; a full backup is made instead of an increment\n");
  EXPECT_EQ(support::run_repozo(mem, {"-R", "-r", "repo"}).out, support::school_states().back());
}

TEST(RepozoGzipDamage, OfTheNameThatPythonGivesIsHarmless) {
  const std::string name = data_name(2, Packing::gzip);
  std::string named = support::school_repository(Packing::gzip).at(name);
  named[3] = 8;  // FNAME
  named.insert(10, std::string("tmp.tmp") + '\0');
  for (std::size_t at = 10; at < 17; ++at) {
    io::MemEnv mem;
    support::put_school(mem, Packing::gzip);
    std::string changed = named;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    mem.put_file(kRepo + name, changed);
    EXPECT_EQ(support::run_repozo(mem, kVerify).status, 0) << at;
    mem.put_file(kRepo + name, changed.substr(0, 17) + changed.substr(18));  // the name does not end
    EXPECT_EQ(support::run_repozo(mem, kVerify).status, 1) << at;
  }
}

// Without block checksums the MD5 sums serve; a crash can leave them empty. The folder in a line of .dat
// counts for nothing.
bool is_harmless(const std::string& ending, const std::string& how) {
  if (ending == ".sums") return how == "removed" || how == "cut to 0/10";
  return ending == ".dat" && how == "a bit changed at 0/10";
}

// Nothing is ever recovered that is not what was backed up.
TEST_P(RepozoDamage, OfTheDescriptionsIsToldOrDoesNoHarm) {
  std::size_t told = 0, harmless = 0;
  for (const std::string ending : {".dat", ".sums", ".index"}) {
    const auto files = names(ending);
    ASSERT_FALSE(files.empty()) << ending;
    for (const std::string& name : files) {
      for (const Damage& each : damages()) {
        SCOPED_TRACE(name + " " + each.how);
        io::MemEnv mem;
        damage(mem, name, each);
        if (mem.content(kRepo + name) == support::school_repository(GetParam()).at(name)) continue;
        const RepozoRun verified = support::run_repozo(mem, kVerify);
        const RepozoRun recovered = support::run_repozo(mem, kRecover);
        if (verified.status == 0) {
          ++harmless;
          EXPECT_TRUE(is_harmless(ending, each.how));
        } else {
          ++told;
          EXPECT_EQ(verified.status, 1);
          EXPECT_NE(verified.err.find(name), std::string::npos) << verified.err;
        }
        if (recovered.status == 0) {
          EXPECT_BYTES(mem.content(kOut), support::school_states().back());
          const auto index = mem.content(kOut + ".index");
          if (index) {
            EXPECT_BYTES(index, support::school_repository(GetParam()).at(kStamps[3] + ".index"));
          }
        } else {
          EXPECT_EQ(recovered.status, 1);
          EXPECT_NE(recovered.err, "");
          expect_output_untouched(mem);
        }
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(told, 150u);
  EXPECT_GT(harmless, 0u);
}

// The .dat is what the original goes by: no change of it may pass.
TEST_P(RepozoDamage, OfADatIsToldByVerify) {
  const std::string name = kStamps[0] + ".dat";
  const std::string whole = support::school_repository(GetParam()).at(name);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    SCOPED_TRACE(at);
    io::MemEnv mem;
    support::put_school(mem, GetParam());
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 2);
    mem.put_file(kRepo + name, changed);
    // The folder in a line counts for nothing: a repository may be moved.
    const std::size_t line = whole.rfind('\n', at == 0 ? 0 : at - 1);
    const std::size_t begin = line == std::string::npos ? 0 : line + 1;
    if (at >= begin && at < begin + 4) continue;
    EXPECT_EQ(support::run_repozo(mem, kVerify).status, 1);
    const RepozoRun recovered = support::run_repozo(mem, kRecover);
    if (recovered.status == 0) {
      EXPECT_BYTES(mem.content(kOut), support::school_states().back());
    }
    if (HasFailure()) return;
  }
}

// --no-verify puts up with other content, and with nothing else: what comes out is as long as what was backed
// up, and every byte stands where it belongs.
TEST_P(RepozoDamage, OfSizesAndPlacesStopsARecoverThatDoesNotVerify) {
  std::size_t stopped = 0, taken = 0;
  for (std::size_t backup = 0; backup < kStamps.size(); ++backup) {
    const std::string name = data_name(backup, GetParam());
    for (const Damage& each : damages()) {
      for (const bool sums : {true, false}) {
        SCOPED_TRACE(name + " " + each.how + (sums ? "" : ", no block checksums"));
        io::MemEnv mem;
        damage(mem, name, each);
        if (!sums) {
          for (const std::string& stamp : kStamps) mem.remove_all(kRepo + stamp + ".sums");
        }
        const std::string whole = support::school_repository(GetParam()).at(name);
        const auto changed = mem.content(kRepo + name);
        auto words = kRecover;
        words.push_back("--no-verify");
        const RepozoRun run = support::run_repozo(mem, words);
        if (!changed || (GetParam() == Packing::plain && changed->size() != whole.size())) {
          EXPECT_EQ(run.status, 1);
        }
        if (run.status == 0) {
          ++taken;
          const std::string found = mem.content(kOut).value_or("");
          ASSERT_EQ(found.size(), support::school_states().back().size());
          std::string expected;
          for (std::size_t piece = 0; piece < kStamps.size(); ++piece) {
            const std::string file = data_name(piece, GetParam());
            expected += support::unpacked(file, *mem.content(kRepo + file));
          }
          EXPECT_BYTES(found, expected);
          EXPECT_BYTES(mem.content(kOut + ".index"),
                       support::school_repository(GetParam()).at(kStamps[3] + ".index"));
        } else {
          ++stopped;
          EXPECT_NE(run.err.find(name), std::string::npos) << run.err;
          EXPECT_EQ(run.err.find("--no-verify"), std::string::npos) << run.err;
          expect_output_untouched(mem);
        }
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_GT(stopped, 50u);
  if (GetParam() == Packing::plain) {
    EXPECT_GT(taken, 20u);  // what is compressed has a sum of its own
  }
}

// All that is told of is there, and one increment is told of by nobody.
TEST_P(RepozoDamage, ThatLeavesAHoleStopsARecoverThatDoesNotVerify) {
  io::MemEnv mem;
  support::put_school(mem, GetParam());
  std::string dat = *mem.content(kRepo + kStamps[0] + ".dat");
  const std::size_t line = dat.find("repo/" + kStamps[1]);
  dat.erase(line, dat.find('\n', line) + 1 - line);
  mem.put_file(kRepo + kStamps[0] + ".dat", dat);
  for (const std::string& name : {data_name(1, GetParam()), kStamps[1] + ".sums", kStamps[1] + ".index"})
    mem.remove_all(kRepo + name);
  auto words = kRecover;
  words.push_back("--no-verify");
  const RepozoRun run = support::run_repozo(mem, words);
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.err.find(data_name(2, GetParam()) + " starts at byte "), std::string::npos) << run.err;
  expect_output_untouched(mem);
}

TEST_P(RepozoDamage, OfAnIncrementIsToldWithTheStateBeforeIt) {
  io::MemEnv mem;
  support::put_school(mem, GetParam());
  mem.remove_all(kRepo + data_name(2, GetParam()));
  const RepozoRun run = support::run_repozo(mem, kRecover);
  EXPECT_EQ(run.err, "repo/" + data_name(2, GetParam()) + " is missing\nrepozo: -D " + kStamps[1] +
                         " recovers the state before it\n");
}

// Earlier states do not need the damaged file.
TEST_P(RepozoDamage, OfALaterIncrementLeavesTheStatesBefore) {
  io::MemEnv mem;
  damage(mem, data_name(2, GetParam()), bit(5));
  auto words = kRecover;
  words.insert(words.end(), {"-D", kStamps[1]});
  const RepozoRun run = support::run_repozo(mem, words);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_BYTES(mem.content(kOut), support::school_states()[1]);
}

// The next backup on a damaged repository leaves one that recovers to the database as it is now.
TEST_P(RepozoDamage, IsLeftBehindByTheNextFullBackup) {
  for (std::size_t backup = 0; backup < kStamps.size(); ++backup) {
    for (const Damage& each : damages()) {
      SCOPED_TRACE(data_name(backup, GetParam()) + " " + each.how);
      io::MemEnv mem;
      damage(mem, data_name(backup, GetParam()), each);
      const RepozoRun backed_up = support::run_repozo(mem, {"-B", "-F", "-r", "repo", "-f", "Data.fs"});
      EXPECT_EQ(backed_up.status, 0) << backed_up.err;
      EXPECT_EQ(support::run_repozo(mem, kVerify).status, 0);
      EXPECT_EQ(support::run_repozo(mem, kRecover).status, 0);
      EXPECT_BYTES(mem.content(kOut), support::school_states().back());
      if (HasFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Repositories, RepozoDamage, testing::Values(Packing::plain, Packing::gzip),
                         [](const auto& each) { return each.param == Packing::plain ? "plain" : "gzip"; });

}  // namespace
