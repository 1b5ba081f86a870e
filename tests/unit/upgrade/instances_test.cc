#include "upgrade/instances.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/mem_env.h"
#include "support/temp_dir.h"

namespace upgrade {
namespace {

using base::Setting;
using Lines = std::vector<std::string>;

constexpr const char* kRoot = "/etc/schooltool";

class FindInstances : public testing::Test {
 protected:
  // A copy of tests/data/instances/<sample>/<file> at /etc/schooltool/<instance>/<file>.
  void put_sample(const std::string& instance, const std::string& sample, const std::string& file) {
    env_.put_file(std::string(kRoot) + "/" + instance + "/" + file,
                  support::slurp(TEST_DATA_DIR "/instances/" + sample + "/" + file));
  }
  void put(const std::string& path, const std::string& content) {
    env_.put_file(kRoot + ("/" + path), content);
  }
  static Setting at(unsigned line, const std::string& section, const std::string& key,
                    const std::string& value) {
    return {section, key, value, "/etc/x.conf", line};
  }
  Instances find(const std::vector<Setting>& configured = {}) {
    return find_instances(env_, kRoot, configured);
  }
  // "name data blobs server config" of each; a missing one as "-".
  Lines summary(const Instances& instances) {
    Lines lines;
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
    for (const Instance& i : instances.found)
      lines.push_back(i.name + " " + i.data_path() + " " + or_dash(i.blob_dir) + " " + or_dash(i.server) +
                      " " + i.config);
    return lines;
  }
  // Finds nothing but one problem; returns it.
  std::string only_problem(const std::vector<Setting>& configured = {}) {
    const Instances instances = find(configured);
    EXPECT_EQ(summary(instances), Lines{});
    EXPECT_EQ(instances.problems.size(), 1u);
    return instances.problems.empty() ? "" : instances.problems.front();
  }

  io::MemEnv env_;
};

TEST_F(FindInstances, NoFolderMeansNoInstanceAndNoProblem) {
  const Instances instances = find();
  EXPECT_TRUE(instances.found.empty());
  EXPECT_TRUE(instances.problems.empty());
}

TEST_F(FindInstances, ReadsTheSamples) {
  put_sample("standard", "standard", "zeo.conf");
  put_sample("standard", "standard", "schooltool.conf");
  put_sample("another", "another", "zeo.conf");
  put_sample("another", "another", "schooltool.conf");
  put_sample("blobs", "blobstorage", "zeo.conf");
  put_sample("client", "client", "schooltool.conf");
  put_sample("include", "include", "zeo.conf");
  put_sample("include", "include", "parts/names.conf");
  put_sample("include", "include", "parts/storage.conf");
  put_sample("include", "include", "parts/path.conf");
  const Instances instances = find();
  EXPECT_EQ(instances.problems, Lines{});
  EXPECT_EQ(
      summary(instances),
      (Lines{"another /var/lib/schooltool/another-Data.fs /var/lib/schooltool/another-blobs localhost:7081 "
             "/etc/schooltool/another/zeo.conf",
             "blobs /srv/schooltool/Data.fs /srv/schooltool/blobs localhost:7081 "
             "/etc/schooltool/blobs/zeo.conf",
             "include /var/lib/schooltool/include-Data.fs - /var/run/schooltool/include-zeo.sock "
             "/etc/schooltool/include/zeo.conf",
             "standard /var/lib/schooltool/Data.fs /var/lib/schooltool/blobs /var/run/schooltool/zeo.sock "
             "/etc/schooltool/standard/zeo.conf"}));
}

TEST_F(FindInstances, ReadsTheConfigurationBeforeZeo) {
  put_sample("standard", "before-2.6", "schooltool.conf");
  EXPECT_EQ(summary(find()),
            (Lines{"standard /var/lib/schooltool/Data.fs - - /etc/schooltool/standard/schooltool.conf"}));
}

TEST_F(FindInstances, StorageOfZeoConfWins) {
  put("a/zeo.conf", "<zeo>\naddress 7081\n</zeo>\n<filestorage>\npath /srv/zeo.fs\n</filestorage>\n");
  put("a/schooltool.conf", "<filestorage>\npath /srv/old.fs\n</filestorage>\n");
  EXPECT_EQ(summary(find()), (Lines{"a /srv/zeo.fs - localhost:7081 /etc/schooltool/a/zeo.conf"}));
  put("a/zeo.conf", "<zeo>\naddress 7081\n</zeo>\n");
  EXPECT_EQ(summary(find()), (Lines{"a /srv/old.fs - - /etc/schooltool/a/schooltool.conf"}));
}

TEST_F(FindInstances, IgnoresLeftoversAndPlainFiles) {
  const std::string conf = "<filestorage>\npath /srv/x.fs\n</filestorage>\n";
  for (const char* name : {"a.dpkg-old", "a.dpkg-new", "a~", "a.bak", "a.ucf-dist", ".hidden"})
    put(std::string(name) + "/zeo.conf", conf);
  put("notes", "not a folder");
  env_.put_special("/etc/schooltool/fifo", io::FileType::fifo);
  env_.put_dir("/etc/schooltool/empty");
  put("copies/zeo.conf.dpkg-old", conf);
  put("copies/zeo.conf~", conf);
  const Instances instances = find();
  EXPECT_EQ(summary(instances), Lines{});
  EXPECT_EQ(instances.problems, Lines{});
}

TEST_F(FindInstances, FollowsTheAdministratorsFolderLink) {
  env_.put_file("/srv/conf/zeo.conf", "<filestorage>\npath /srv/x.fs\n</filestorage>\n");
  env_.put_symlink("/etc/schooltool/a", "/srv/conf");
  EXPECT_EQ(summary(find()), (Lines{"a /srv/x.fs - - /etc/schooltool/a/zeo.conf"}));
}

TEST_F(FindInstances, OneBadFileLeavesTheOthersGuarded) {
  put("bad/zeo.conf", "<filestorage>\n");
  put_sample("standard", "standard", "zeo.conf");
  const Instances instances = find();
  ASSERT_EQ(instances.found.size(), 1u);
  EXPECT_EQ(instances.found.front().name, "standard");
  EXPECT_EQ(instances.problems,
            (Lines{"instance 'bad': read configuration '/etc/schooltool/bad/zeo.conf': line 1: "
                   "unclosed section 'filestorage'"}));
}

TEST_F(FindInstances, ABadZeoConfIsNotPassedOver) {
  put("a/zeo.conf", "<filestorage>\n");
  put_sample("a", "before-2.6", "schooltool.conf");
  EXPECT_NE(only_problem().find("zeo.conf': line 1"), std::string::npos);
}

TEST_F(FindInstances, RefusesPathsThatLeadNowhereSafe) {
  for (const char* path : {"Data.fs", "var/Data.fs", "", "/srv/../etc/shadow", "/Data.fs", "/", "/srv/x/"}) {
    put("a/zeo.conf", std::string("<filestorage>\npath ") + path + "\n</filestorage>\n");
    EXPECT_NE(only_problem().find("path '" + std::string(path) + "'"), std::string::npos) << path;
  }
  put("a/zeo.conf", "<filestorage>\npath /srv/x.fs\nblob-dir blobs\n</filestorage>\n");
  EXPECT_EQ(only_problem(),
            "instance 'a': read configuration '/etc/schooltool/a/zeo.conf': blob-dir 'blobs' is not an "
            "absolute path");
}

TEST_F(FindInstances, TidiesPaths) {
  put("a/zeo.conf", "<filestorage>\npath //srv/./x//Data.fs\nblob-dir /srv/x/blobs/\n</filestorage>\n");
  const Instances instances = find();
  ASSERT_EQ(instances.found.size(), 1u);
  EXPECT_EQ(instances.found.front().data_dir, "/srv/x");
  EXPECT_EQ(instances.found.front().data_name, "Data.fs");
  EXPECT_EQ(instances.found.front().blob_dir, "/srv/x/blobs");
}

TEST_F(FindInstances, RefusesToChooseBetweenStorages) {
  put("a/zeo.conf",
      "<filestorage 1>\npath /a/1.fs\n</filestorage>\n<filestorage 2>\npath /a/2.fs\n</filestorage>\n");
  EXPECT_EQ(only_problem(),
            "instance 'a': read configuration '/etc/schooltool/a/zeo.conf': has more than one <filestorage>");
}

TEST_F(FindInstances, DataOfTheSettingsSaysWhichOfSeveralStorages) {
  put("a/zeo.conf",
      "<zeo>\naddress 7081\n</zeo>\n<filestorage 1>\npath /a/1.fs\n</filestorage>\n"
      "<blobstorage second>\nblob-dir /a/blobs\n<filestorage inner>\npath /a//./2.fs\n</filestorage>\n"
      "</blobstorage>\n");
  const Instances instances = find({at(2, "instance a", "data", "/a/2.fs")});
  EXPECT_EQ(summary(instances), (Lines{"a /a/2.fs /a/blobs localhost:7081 /etc/x.conf"}));
  EXPECT_EQ(instances.found.at(0).storage, "second");
  EXPECT_EQ(find({at(2, "instance a", "data", "/a/1.fs")}).found.at(0).storage, "1");
  // Which server that might be is not known.
  EXPECT_EQ(summary(find({at(2, "instance a", "data", "/a/3.fs")})), (Lines{"a /a/3.fs - - /etc/x.conf"}));
}

TEST_F(FindInstances, TellsTheServersAddressAndItsNameOfTheStorage) {
  const auto served = [&](const std::string& address, const std::string& storage) {
    put("a/zeo.conf", "<zeo>\naddress " + address + "\n</zeo>\n" + storage);
    const Instance instance = find().found.at(0);
    return instance.server + " " + instance.storage;
  };
  const std::string plain = "<filestorage>\npath /a/x.fs\n</filestorage>\n";
  EXPECT_EQ(served("7081", plain), "localhost:7081 ");
  EXPECT_EQ(served(":7081", plain), "localhost:7081 ");
  EXPECT_EQ(served("::1:7081", plain), "::1:7081 ");
  EXPECT_EQ(served("[::]:7081", plain), "[::]:7081 ");
  EXPECT_EQ(served("/run/zeo", "<filestorage School>\npath /a/x.fs\n</filestorage>\n"), "/run/zeo school");
  EXPECT_EQ(served("/run/zeo", "<zlibstorage outer>\n" + plain + "</zlibstorage>\n"), "/run/zeo outer");
  EXPECT_EQ(served("/run/zeo",
                   "<zlibstorage>\n<filestorage inner>\npath /a/x.fs\n</filestorage>\n</zlibstorage>\n"),
            "/run/zeo ");
}

TEST_F(FindInstances, AConfigurationWithoutAnyStorageIsAProblem) {
  put("a/zeo.conf", "<zeo>\naddress 7081\n</zeo>\n");
  put("a/schooltool.conf", "<zodb>\n<zeoclient>\nserver 7081\n</zeoclient>\n</zodb>\n");
  EXPECT_EQ(only_problem(),
            "instance 'a': read configuration '/etc/schooltool/a/zeo.conf': has no <filestorage>");
}

TEST_F(FindInstances, ANameThatIsNoneIsAProblemAndNeverAPath) {
  env_.put_dir("/etc/schooltool/my school");
  env_.put_dir("/etc/schooltool/-rf");
  EXPECT_EQ(find().problems, (Lines{"folder '/etc/schooltool/-rf': not a name for an instance",
                                    "folder '/etc/schooltool/my school': not a name for an instance"}));
}

TEST_F(FindInstances, ConfigurationFilesThatAreLinksAreAProblem) {
  env_.put_file("/srv/zeo.conf", "<filestorage>\npath /srv/x.fs\n</filestorage>\n");
  env_.put_dir("/etc/schooltool/a");
  env_.put_symlink("/etc/schooltool/a/zeo.conf", "/srv/zeo.conf");
  EXPECT_EQ(only_problem().substr(0, 13), "instance 'a':");
}

TEST_F(FindInstances, SettingsApplyToTheInstanceAndDisabledOnesAreListed) {
  put_sample("standard", "standard", "zeo.conf");
  const Instances instances = find({at(1, "", "keep", "4"), at(3, "instance standard", "enabled", "no"),
                                    at(4, "instance standard", "blobs", "/srv/blobs")});
  ASSERT_EQ(instances.found.size(), 1u);
  EXPECT_FALSE(instances.found.front().settings.enabled);
  EXPECT_EQ(instances.found.front().settings.keep, 4u);
  EXPECT_EQ(instances.found.front().blob_dir, "/srv/blobs");
}

TEST_F(FindInstances, ASectionWithDataAddsAnInstance) {
  EXPECT_EQ(summary(find({at(2, "instance b", "keep", "3"), at(3, "instance b", "data", "/srv/b/Data.fs"),
                          at(4, "instance b", "blobs", "/srv/b/blobs")})),
            (Lines{"b /srv/b/Data.fs /srv/b/blobs - /etc/x.conf"}));
}

TEST_F(FindInstances, DataOfTheSettingsWinsEvenOverABadFile) {
  put("a/zeo.conf",
      "<zeo>\naddress 7081\n</zeo>\n<filestorage>\npath /srv/x.fs\nblob-dir /srv/b\n</filestorage>\n");
  EXPECT_EQ(summary(find({at(2, "instance a", "data", "/srv/y.fs")})),
            (Lines{"a /srv/y.fs - localhost:7081 /etc/x.conf"}));
  EXPECT_EQ(summary(find({at(2, "instance a", "data", "/srv/x.fs")})),
            (Lines{"a /srv/x.fs /srv/b localhost:7081 /etc/x.conf"}));
  put("a/zeo.conf", "<broken\n");
  const Instances instances = find({at(2, "instance a", "data", "/srv/y.fs")});
  EXPECT_EQ(summary(instances), (Lines{"a /srv/y.fs - - /etc/x.conf"}));
  EXPECT_EQ(instances.problems, Lines{});
}

TEST_F(FindInstances, ASectionForNoInstanceIsAProblem) {
  put_sample("standard", "standard", "zeo.conf");
  const Instances instances = find({at(7, "instance standrad", "keep", "3")});
  EXPECT_EQ(instances.found.size(), 1u);
  EXPECT_EQ(instances.problems, (Lines{"instance 'standrad': /etc/x.conf line 7: there is no folder "
                                       "'/etc/schooltool/standrad' and no key 'data' in this section"}));
}

TEST_F(FindInstances, AMistakeInOneSectionIsAProblemOfThatInstance) {
  put_sample("standard", "standard", "zeo.conf");
  put_sample("another", "another", "zeo.conf");
  const Instances instances = find({at(7, "instance another", "kepe", "3")});
  ASSERT_EQ(instances.found.size(), 1u);
  EXPECT_EQ(instances.found.front().name, "standard");
  EXPECT_EQ(instances.problems, (Lines{"instance 'another': /etc/x.conf line 7: unknown key 'kepe'"}));
}

TEST_F(FindInstances, AMistakeThatConcernsAllIsAnError) {
  put_sample("standard", "standard", "zeo.conf");
  EXPECT_THROW(find({at(1, "", "kepe", "3")}), base::Error);
  EXPECT_THROW(find({at(1, "nonsense", "keep", "3")}), base::Error);
}

TEST_F(FindInstances, TheSameDatabaseTwiceIsAProblemOfTheSecond) {
  put_sample("standard", "standard", "zeo.conf");
  put_sample("copy", "standard", "zeo.conf");
  const Instances instances = find();
  ASSERT_EQ(instances.found.size(), 1u);
  EXPECT_EQ(instances.found.front().name, "copy");
  EXPECT_EQ(instances.problems,
            (Lines{"instance 'standard': its database '/var/lib/schooltool/Data.fs' is that of "
                   "instance 'copy'"}));
}

}  // namespace
}  // namespace upgrade
