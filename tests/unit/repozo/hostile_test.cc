// Repositories that somebody made to do harm: a clear error, nothing touched outside, no crash.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/fs_builder.h"
#include "support/repozo_school.h"
#include "support/scene.h"

namespace {

using support::kStamps;
using support::RepozoRun;

const std::string kRepo = std::string(support::kRepoDir) + "/";
const std::string kOut = std::string(support::kRepozoDir) + "/out.fs";

std::string good_dat() {
  return support::school_repository(support::Packing::plain).at(kStamps[0] + ".dat");
}

std::string many(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// Every command on such a repository: ends with 0 or 1, says why if it is 1, never gives wrong bytes, and
// changes nothing outside.
void expect_sane(const std::function<void(io::MemEnv&)>& harm) {
  const std::vector<std::vector<std::string>> commands = {{"-V", "-r", "repo"},
                                                          {"-V", "-Q", "-r", "repo"},
                                                          {"-V", "--all", "-r", "repo"},
                                                          {"-R", "-r", "repo", "-o", "out.fs"},
                                                          {"-R", "-w", "-v", "-r", "repo", "-o", "out.fs"},
                                                          {"-R", "-r", "repo", "-D", kStamps[1]},
                                                          {"-B", "-r", "repo", "-f", "Data.fs"},
                                                          {"-B", "-Q", "-v", "-r", "repo", "-f", "Data.fs"},
                                                          {"-B", "-F", "-k", "-r", "repo", "-f", "Data.fs"}};
  for (const auto& words : commands) {
    SCOPED_TRACE(words[0] + " " + words[1]);
    io::MemEnv mem;
    support::put_school(mem, support::Packing::plain);
    mem.put_file("/etc/passwd", "root\n");
    mem.put_file(std::string(support::kRepozoDir) + "/2026-02-02-03-15-00.deltafs", "not of the repository");
    harm(mem);
    const RepozoRun run = support::run_repozo(mem, words);
    EXPECT_TRUE(run.status == 0 || (run.status == 1 && !run.err.empty())) << run.status << run.err;
    EXPECT_LT(run.err.size(), 5000u) << run.err.substr(0, 400);
    for (const char c : run.err) {
      ASSERT_TRUE(c == '\n' || c == '\t' || static_cast<unsigned char>(c) >= 32)
          << "a control character in a message";
    }
    EXPECT_EQ(mem.content("/etc/passwd"), "root\n");
    EXPECT_EQ(mem.content(std::string(support::kRepozoDir) + "/2026-02-02-03-15-00.deltafs"),
              "not of the repository");
    EXPECT_BYTES(mem.content(std::string(support::kRepozoDir) + "/Data.fs"), support::school_states().back());
    if (words[0] == "-R" && run.status == 0) {
      const bool early = words.back() == kStamps[1];
      EXPECT_BYTES(early ? run.out : mem.content(kOut), support::school_states()[early ? 1 : 3]);
    } else {
      EXPECT_BYTES(mem.content(kOut), support::kOldOutput);
    }
  }
}

struct Case {
  const char* name;
  std::string dat;
};

class HostileDat : public testing::TestWithParam<Case> {};

TEST_P(HostileDat, IsAClearError) {
  const auto harm = [&](io::MemEnv& mem) { mem.put_file(kRepo + kStamps[0] + ".dat", GetParam().dat); };
  expect_sane(harm);
  io::MemEnv mem;
  support::put_school(mem, support::Packing::plain);
  harm(mem);
  const RepozoRun run = support::run_repozo(mem, {"-V", "-r", "repo"});
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.err, "");
}

const std::string kSum = " d6ccf4285bdcc5b21fd2c39e82df7db6\n";

std::vector<Case> cases() {
  return {
      {"Empty", ""},
      {"OnlyNewlines", many("\n", 5000)},
      {"OneWord", good_dat() + "word\n"},
      {"FiveWords", good_dat() + "a b c d e\n"},
      {"UpwardPath", good_dat() + "../../etc/passwd 0 5" + kSum},
      {"UpwardPathOfABackup", good_dat() + "../2026-02-02-03-15-00.deltafs 0 21" + kSum},
      {"DotDot", good_dat() + ".. 0 5" + kSum},
      {"NoName", good_dat() + "repo/ 0 5" + kSum},
      {"FolderAsName", good_dat() + "repo/2026-02-09-03-15-00.fs/ 0 5" + kSum},
      {"NegativeStart", good_dat() + "repo/2026-02-09-03-15-00.deltafs -1 5" + kSum},
      {"HugeEnd", good_dat() + "repo/2026-02-09-03-15-00.deltafs 0 18446744073709551615" + kSum},
      {"EndOverflows", good_dat() + "repo/2026-02-09-03-15-00.deltafs 0 99999999999999999999999" + kSum},
      {"EndBeforeStart", good_dat() + "repo/2026-02-09-03-15-00.deltafs 500 5" + kSum},
      {"HexNumber", good_dat() + "repo/2026-02-09-03-15-00.deltafs 0x10 0x20" + kSum},
      {"ShortSum", good_dat() + "repo/2026-02-09-03-15-00.deltafs 0 5 abc\n"},
      {"EndlessSum", good_dat() + "repo/2026-02-09-03-15-00.deltafs 0 5 " + std::string(100000, 'a') + "\n"},
      {"EndlessLine", std::string(3000000, 'x')},
      {"EndlessSpaces", std::string(3000000, ' ')},
      {"Noise", std::string("\x01\xff\x7f\x1b[2J\x80", 9) + "\n"},
      {"Nuls", std::string(5000, '\0')},
      {"NulInTheName", good_dat() + std::string("repo/2026-02-09-03-15-00.fs\0x 0 5", 34) + kSum},
      {"ThousandsOfLines", many("repo/2026-02-09-03-15-00.deltafs 0 5" + kSum, 20000)},
      {"TheSameLineTwice", good_dat() + good_dat()},
      {"LinesInAnotherOrder",
       good_dat().substr(good_dat().find('\n') + 1) + good_dat().substr(0, good_dat().find('\n') + 1)},
      {"ByteOrderMark", "\xef\xbb\xbf" + good_dat()}};
}

INSTANTIATE_TEST_SUITE_P(All, HostileDat, testing::ValuesIn(cases()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(HostileRepository, IndexOfAnyContentNeverComesBesideADatabase) {
  const std::string good = support::school_repository(support::Packing::plain).at(kStamps[3] + ".index");
  const std::string other = support::school_repository(support::Packing::plain).at(kStamps[1] + ".index");
  for (const std::string& content :
       {std::string(), std::string("junk"), std::string(5000, '\0'), std::string(2000000, '('),
        good.substr(0, good.size() / 2), good + good, other, std::string("cos\nsystem\n(S'true'\ntR.")}) {
    SCOPED_TRACE(support::brief(content));
    expect_sane([&](io::MemEnv& mem) { mem.put_file(kRepo + kStamps[3] + ".index", content); });
    io::MemEnv mem;
    support::put_school(mem, support::Packing::plain);
    mem.put_file(kRepo + kStamps[3] + ".index", content);
    const RepozoRun run = support::run_repozo(mem, {"-R", "-r", "repo", "-o", "out.fs"});
    if (run.status == 0) {
      const auto index = mem.content(kOut + ".index");
      if (index) {
        EXPECT_BYTES(index, good);
      }
      EXPECT_NE(run.err, "") << "that the index is bad should be told";
    }
  }
}

TEST(HostileRepository, LinksAndDevicesAreNotFollowed) {
  const std::string delta = kRepo + kStamps[1] + ".deltafs";
  for (const std::string& name : {kStamps[1] + ".deltafs", kStamps[0] + ".fs", kStamps[0] + ".dat",
                                  kStamps[3] + ".index", kStamps[3] + ".sums", std::string(".repozo.lock")}) {
    SCOPED_TRACE(name);
    expect_sane([&](io::MemEnv& mem) {
      mem.remove_all(kRepo + name);
      mem.put_symlink(kRepo + name, "/etc/passwd");
    });
    expect_sane([&](io::MemEnv& mem) {
      mem.remove_all(kRepo + name);
      mem.put_special(kRepo + name, io::FileType::fifo);
    });
    expect_sane([&](io::MemEnv& mem) {
      mem.remove_all(kRepo + name);
      mem.put_dir(kRepo + name);
    });
  }
}

TEST(HostileRepository, OutputThatIsALinkIsNotWrittenThrough) {
  io::MemEnv mem;
  support::put_school(mem, support::Packing::plain);
  mem.put_file("/etc/passwd", "root\n");
  mem.remove_all(kOut);
  mem.put_symlink(kOut, "/etc/passwd");
  support::run_repozo(mem, {"-R", "-r", "repo", "-o", "out.fs"});
  EXPECT_EQ(mem.content("/etc/passwd"), "root\n");
}

TEST(HostileRepository, GzipFileThatUnpacksWithoutEndIsStopped) {
  io::MemEnv mem;
  support::put_school(mem, support::Packing::gzip);
  mem.put_file(kRepo + kStamps[1] + ".deltafsz", support::gzipped(std::string(64 << 20, '\0')));
  mem.set_capacity(2 << 20);
  const RepozoRun run = support::run_repozo(mem, {"-R", "-r", "repo", "-o", "out.fs"});
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.err.find(kStamps[1] + ".deltafsz"), std::string::npos) << run.err;
  EXPECT_EQ(run.err.find("space"), std::string::npos) << run.err;
  EXPECT_BYTES(mem.content(kOut), support::kOldOutput);
}

// No room is asked for that no data of that size can fill: it is the .dat that is wrong, not the disk.
TEST(HostileRepository, EndThatACompressedFileCannotReachIsToldByItsName) {
  io::MemEnv mem;
  support::put_school(mem, support::Packing::gzip);
  const std::string name = kStamps[3] + ".deltafsz", path = kRepo + kStamps[0] + ".dat";
  const std::string end = " " + std::to_string(support::school_states()[3].size()) + " ";
  std::string dat = *mem.content(path);
  dat.replace(dat.rfind(end), end.size(), " 900000000000000 ");
  mem.put_file(path, dat);
  mem.remove_all(kRepo + kStamps[3] + ".sums");
  mem.set_capacity(2 << 20);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"-R", "-r", "repo", "-o", "out.fs"},
        std::vector<std::string>{"-R", "--no-verify", "-r", "repo", "-o", "out.fs"}}) {
    const RepozoRun run = support::run_repozo(mem, words);
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(run.err.find("repo/" + name + " is "), 0u) << run.err;
    EXPECT_BYTES(mem.content(kOut), support::kOldOutput);
  }
}

TEST(HostileRepository, IndexThatIsTooLargeIsNotCopiedBesideADatabase) {
  io::MemEnv mem;
  support::put_school(mem, support::Packing::plain);
  mem.put_file(kRepo + kStamps[3] + ".index", std::string(8 << 20, '('));
  mem.set_capacity(9 << 20);
  const RepozoRun run = support::run_repozo(mem, {"-R", "-r", "repo", "-o", "out.fs"});
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.err, "repozo: repo/" + kStamps[3] + ".index is damaged, and was not restored\n");
  EXPECT_BYTES(mem.content(kOut), support::school_states()[3]);
}

TEST(HostileRepository, ThousandsOfBackupsAreRead) {
  io::MemEnv mem;
  support::put_school(mem, support::Packing::plain);
  for (int i = 0; i < 3000; ++i) {
    const std::string number = std::to_string(1000 + i);
    mem.put_file(kRepo + number + "-01-01-00-00-00.deltafs", "");
  }
  const RepozoRun recovered =
      support::run_repozo(mem, {"-R", "-r", "repo", "-D", kStamps[3], "-o", "out.fs"});
  EXPECT_EQ(recovered.status, 0) << recovered.err;
  EXPECT_BYTES(mem.content(kOut), support::school_states()[3]);
  const RepozoRun run = support::run_repozo(mem, {"-V", "-r", "repo"});
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.err.find("2027-01-01-00-00-00.deltafs"), std::string::npos) << run.err;
}

}  // namespace
