#include "upgrade/dpkg_process.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "io/mem_env.h"

namespace upgrade {
namespace {

// Processes as Linux shows them: the first is the topmost, the last is ourselves.
class DpkgProcess : public testing::Test {
 protected:
  using Arguments = std::vector<std::string>;

  void processes(const std::vector<Arguments>& chain) {
    std::int64_t parent = 0, pid = 1;
    for (const Arguments& arguments : chain) {
      if (&arguments == &chain.back()) pid = env_.process_id();
      put_process(pid, parent, "some) (name", arguments);
      parent = pid;
      pid += 100;
    }
  }

  void put_process(std::int64_t pid, std::int64_t parent, const std::string& name,
                   const Arguments& arguments) {
    const std::string folder = "/proc/" + std::to_string(pid);
    std::string command_line;
    for (const std::string& word : arguments) command_line += word + '\0';
    env_.put_file(folder + "/cmdline", command_line);
    env_.put_file(folder + "/stat",
                  std::to_string(pid) + " (" + name + ") S " + std::to_string(parent) + " 1 1 0 -1\n");
  }

  // The control file that dpkg-deb is to find at this path.
  void archive(const std::string& path, const std::string& answer) { archives_[path] = answer; }

  DpkgRun find() {
    env_.set_runner([this](const std::vector<std::string>& argv) -> io::RunResult {
      EXPECT_EQ(argv.size(), 4U);
      EXPECT_EQ(argv[0], "/usr/bin/dpkg-deb");
      EXPECT_EQ(argv[1], "--showformat=${Package} ${Version}\\n");
      EXPECT_EQ(argv[2], "--show");
      asked_.push_back(argv.back());
      const auto found = archives_.find(argv.back());
      if (found == archives_.end()) return {2, "dpkg-deb: error: failed to read archive\n"};
      return {0, found->second};
    });
    return find_dpkg(env_);
  }

  static std::string text(const std::vector<PackageChange>& changes) {
    std::string result;
    for (const PackageChange& change : changes) {
      EXPECT_EQ(change.old_version, "");
      result += (result.empty() ? "" : ", ") + change.name + " " + change.new_version;
    }
    return result;
  }

  io::MemEnv env_;
  std::map<std::string, std::string> archives_;
  std::vector<std::string> asked_;
};

TEST_F(DpkgProcess, KnowsOneThatOnlySimulates) {
  processes({{"init"}, {"bash"}, {"dpkg", "--simulate", "-i", "a.deb"}, {"sh", "-c", "guard"}, {"guard"}});
  EXPECT_TRUE(is_simulated(env_));
  processes({{"init"}, {"bash"}, {"dpkg", "-i", "--no-act", "a.deb"}, {"guard"}});
  EXPECT_TRUE(is_simulated(env_));
  processes({{"init"}, {"bash"}, {"dpkg", "-i", "a.deb"}, {"guard"}});
  EXPECT_FALSE(is_simulated(env_));
  processes({{"init"}, {"cron"}, {"guard"}});
  EXPECT_FALSE(is_simulated(env_));
}

TEST_F(DpkgProcess, IsNotFoundWhereThereIsNone) {
  processes({{"init"}, {"bash"}, {"/usr/libexec/guard", "before-dpkg"}});
  const DpkgRun run = find();
  EXPECT_FALSE(run.found);
  EXPECT_FALSE(run.understood);
}

TEST_F(DpkgProcess, IsNotFoundWithoutProc) {
  EXPECT_FALSE(find().found);
}

TEST_F(DpkgProcess, IsNotFoundBeyondAProcessThatWentAway) {
  put_process(env_.process_id(), 4711, "guard", {"guard"});
  EXPECT_FALSE(find().found);
}

TEST_F(DpkgProcess, IsNotFoundInATreeThatGoesRoundInCircles) {
  put_process(env_.process_id(), 4711, "guard", {"guard"});
  put_process(4711, env_.process_id(), "sh", {"sh"});
  EXPECT_FALSE(find().found);
}

TEST_F(DpkgProcess, RecognisesARenamedArchiveByItsControlFile) {
  processes({{"init"},
             {"bash"},
             {"dpkg", "-i", "--force-all", "/tmp/update (1).deb"},
             {"sh", "-c", "guard"},
             {"guard"}});
  archive("/tmp/update (1).deb", "schooltool 2.0\n");
  const DpkgRun run = find();
  EXPECT_TRUE(run.found);
  EXPECT_TRUE(run.understood);
  EXPECT_FALSE(run.under_apt);
  EXPECT_EQ(text(run.unpacked), "schooltool 2.0");
}

TEST_F(DpkgProcess, OpensRelativeNamesFromItsWorkingFolder) {
  processes({{"init"}, {"/usr/bin/dpkg", "-i", "schooltool.deb", "../other.deb"}, {"guard"}});
  archive("/proc/101/cwd/schooltool.deb", "schooltool 2.0\n");
  archive("/proc/101/cwd/../other.deb", "other 1:3~4\n");
  const DpkgRun run = find();
  EXPECT_TRUE(run.understood);
  EXPECT_EQ(text(run.unpacked), "schooltool 2.0, other 1:3~4");
}

TEST_F(DpkgProcess, TakesTheNearestDpkg) {
  processes({{"init"}, {"dpkg", "-i", "/outer.deb"}, {"sh"}, {"dpkg", "-i", "/inner.deb"}, {"guard"}});
  archive("/inner.deb", "inner 1\n");
  EXPECT_EQ(text(find().unpacked), "inner 1");
  EXPECT_EQ(asked_, Arguments{"/inner.deb"});
}

TEST_F(DpkgProcess, KnowsApt) {
  const struct {
    Arguments parent;
    bool apt;
  } cases[] = {{{"apt", "upgrade"}, true},
               {{"/usr/bin/apt-get", "-y", "install", "x"}, true},
               {{"/usr/bin/python3", "/usr/bin/unattended-upgrade"}, true},
               {{"/usr/bin/python3", "-u", "/usr/bin/unattended-upgrade", "-v"}, true},
               {{"/usr/libexec/packagekitd"}, true},
               {{"aptitude"}, true},
               {{"bash"}, false},
               {{"/usr/bin/python3"}, false},
               {{"sudo", "apt"}, false},
               {{"adapt"}, false},
               {{}, false}};
  for (const auto& one : cases) {
    processes(
        {{"init"}, one.parent, {"/usr/bin/dpkg", "--status-fd", "19", "--unpack", "/a.deb"}, {"guard"}});
    archive("/a.deb", "aa 1\n");
    EXPECT_EQ(find().under_apt, one.apt) << (one.parent.empty() ? "" : one.parent[0]);
  }
}

TEST_F(DpkgProcess, WalksTheFoldersOfARecursiveRun) {
  processes({{"init"},
             {"apt"},
             {"/usr/bin/dpkg", "--unpack", "--auto-deconfigure", "--recursive", "/tmp/apt-dpkg-install-x"},
             {"guard"}});
  env_.put_symlink("/tmp/apt-dpkg-install-x/0-schooltool.deb",
                   "/var/cache/apt/archives/schooltool_2.0_all.deb");
  env_.put_file("/tmp/apt-dpkg-install-x/below/1.deb", "");
  env_.put_file("/tmp/apt-dpkg-install-x/notes.txt", "");
  archive("/tmp/apt-dpkg-install-x/0-schooltool.deb", "schooltool 2.0\n");
  archive("/tmp/apt-dpkg-install-x/below/1.deb", "one 1\n");
  const DpkgRun run = find();
  EXPECT_TRUE(run.understood);
  EXPECT_EQ(text(run.unpacked), "schooltool 2.0, one 1");
}

TEST_F(DpkgProcess, DoesNotUnderstandAFolderThatItCannotSeeWhole) {
  processes({{"init"}, {"dpkg", "-iR", "/debs"}, {"guard"}});
  EXPECT_FALSE(find().understood);  // absent
  env_.put_file("/debs/a.deb", "");
  archive("/debs/a.deb", "aa 1\n");
  EXPECT_TRUE(find().understood);
  env_.put_symlink("/debs/more", "/elsewhere");
  EXPECT_FALSE(find().understood);
  processes({{"init"}, {"dpkg", "-iR", "absent"}, {"guard"}});
  EXPECT_FALSE(find().understood);
}

TEST_F(DpkgProcess, DoesNotUnderstandAnUnreadableArchiveButTellsTheOthers) {
  processes({{"init"}, {"dpkg", "-i", "/broken.deb", "/schooltool.deb"}, {"guard"}});
  archive("/schooltool.deb", "schooltool 2.0\n");
  const DpkgRun run = find();
  EXPECT_TRUE(run.found);
  EXPECT_FALSE(run.understood);
  EXPECT_EQ(text(run.unpacked), "schooltool 2.0");
}

TEST_F(DpkgProcess, ReadsDpkgDebsAnswerStrictly) {
  const struct {
    const char* answer;
    const char* unpacked;
  } cases[] = {{"aa 1\n", "aa 1"},
               {"aa 1", "aa 1"},
               {"dpkg-deb: warning: old format\nschooltool 2.0\n", "schooltool 2.0"},
               {"", ""},
               {"\n", ""},
               {"aa\n", ""},
               {"aa \n", ""},
               {"aa 1 2\n", ""},
               {"aa 1\nbb 2\n", ""},
               {"AA 1\n", ""}};
  for (const auto& one : cases) {
    processes({{"init"}, {"dpkg", "-i", "/a.deb"}, {"guard"}});
    archive("/a.deb", one.answer);
    const DpkgRun run = find();
    EXPECT_EQ(text(run.unpacked), one.unpacked) << one.answer;
    EXPECT_EQ(run.understood, *one.unpacked != '\0') << one.answer;
  }
}

TEST_F(DpkgProcess, AsksNothingWhenNothingIsUnpacked) {
  processes({{"init"}, {"dpkg", "--configure", "-a"}, {"guard"}});
  const DpkgRun run = find();
  EXPECT_TRUE(run.found);
  EXPECT_TRUE(run.understood);
  EXPECT_TRUE(run.unpacked.empty());
  EXPECT_TRUE(asked_.empty());
}

struct CommandCase {
  std::vector<std::string> arguments;
  bool understood, unpacks, recursive;
  std::vector<std::string> archives;
};
void PrintTo(const CommandCase& one, std::ostream* out) {
  for (const std::string& word : one.arguments) *out << word << ' ';
}

class DpkgCommandLine : public testing::TestWithParam<CommandCase> {};

TEST_P(DpkgCommandLine, IsReadAsDpkgReadsIt) {
  const CommandCase& one = GetParam();
  const DpkgCommand command = parse_dpkg_command(one.arguments);
  EXPECT_EQ(command.understood, one.understood);
  EXPECT_EQ(command.unpacks, one.unpacks);
  EXPECT_EQ(command.archives, one.archives);
  EXPECT_EQ(command.recursive, one.recursive);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, DpkgCommandLine,
    testing::Values(CommandCase{{"-i", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"--install", "a.deb", "b.deb"}, true, true, false, {"a.deb", "b.deb"}},
                    CommandCase{{"--unpack", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"--status-fd", "12", "--unpack", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"--status-fd=12", "--unpack", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{
                        {"--force-confold", "--no-triggers", "-i", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"-D", "2000", "-i", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"-D2000", "-i", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"-BGEi", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"-i", "--root", "/t", "a.deb"}, true, true, false, {"a.deb"}},
                    CommandCase{{"-iR", "dir"}, true, true, true, {"dir"}},
                    CommandCase{{"-R", "--unpack", "one", "two"}, true, true, true, {"one", "two"}},
                    CommandCase{{"-i", "--", "-a.deb"}, true, true, false, {"-a.deb"}},
                    // After the first file everything is a file.
                    CommandCase{{"-i", "a.deb", "--no-act"}, true, true, false, {"a.deb", "--no-act"}},
                    CommandCase{{"-i"}, false, true, false, {}},
                    CommandCase{{"-i", "--root"}, false, true, false, {}},
                    CommandCase{{"--simulate", "-i", "a.deb"}, true, false, false, {}},
                    CommandCase{{"-i", "--dry-run", "a.deb"}, true, false, false, {}},
                    CommandCase{{"--no-act", "--unpack", "a.deb"}, true, false, false, {}},
                    CommandCase{{"--configure", "-a"}, true, false, false, {}},
                    CommandCase{{"--configure", "schooltool"}, true, false, false, {}},
                    CommandCase{{"-r", "schooltool"}, true, false, false, {}},
                    CommandCase{{"--purge", "schooltool"}, true, false, false, {}},
                    CommandCase{{"--triggers-only", "-a"}, true, false, false, {}},
                    CommandCase{{"-l"}, true, false, false, {}}, CommandCase{{}, true, false, false, {}},
                    CommandCase{{"--command-fd", "3"}, false, false, false, {}}));

TEST(ForeignRoot, IsWhatDpkgRootNames) {
  EXPECT_FALSE(is_foreign_root({}));
  EXPECT_FALSE(is_foreign_root({{"DPKG_ROOT", ""}}));
  EXPECT_FALSE(is_foreign_root({{"DPKG_ROOT", "/"}}));
  EXPECT_FALSE(is_foreign_root({{"DPKG_ROOT", "//"}}));
  EXPECT_FALSE(is_foreign_root({{"DPKG_ADMINDIR", "/srv/target/var/lib/dpkg"}}));
  EXPECT_TRUE(is_foreign_root({{"DPKG_ROOT", "/srv/target"}}));
  EXPECT_TRUE(is_foreign_root({{"DPKG_ROOT", "target"}}));
}

}  // namespace
}  // namespace upgrade
