#include "backup/verify.h"

#include <gtest/gtest.h>

#include "backup/backup.h"
#include "backup/names.h"
#include "backup/presence.h"
#include "backup/repository_folder.h"
#include "io/hooked_env.h"
#include "repozo/chains.h"
#include "support/blob_scene.h"
#include "support/errors.h"
#include "support/scene.h"

namespace backup {
namespace {

class VerifyTest : public testing::Test {
 protected:
  VerifyTest() : machine_(mem_) {
    back();
    back();
    back();
  }
  void back() {
    school_.commit({1, 2, 4});
    school_.put(mem_);
    base::UtcTime now = mem_.now();
    now.seconds += 60;
    mem_.set_now(now);
    last_ = back_up(mem_, instance_, {}).pair.record;
  }
  Verification run(bool restore_test = false) {
    VerifyRequest request;
    request.restore_test = restore_test;
    return verify(mem_, instance_, request);
  }
  static std::string in_repository(const std::string& name) {
    return std::string(support::kRepository) + "/" + name;
  }

  io::MemEnv mem_;
  support::Machine machine_;
  support::BlobSchool school_;
  upgrade::Instance instance_ = support::blob_instance();
  Record last_;
};

TEST_F(VerifyTest, SoundBackupsHaveNoFaults) {
  const auto before = mem_.list(support::kRepository);
  const Verification result = run(true);
  for (const Fault& fault : result.faults) ADD_FAILURE() << fault.name << ": " << fault.text;
  EXPECT_EQ(result.backups, 3u);
  EXPECT_EQ(result.chains, 1u);
  EXPECT_EQ(result.archives, 3u);
  EXPECT_EQ(result.blobs, school_.blobs().size());
  ASSERT_TRUE(result.restore_test);
  EXPECT_EQ(result.restore_test->stamp, last_.stamp);
  EXPECT_EQ(result.restore_test->bytes, school_.database().size());
  EXPECT_EQ(result.restore_test->blobs, school_.blobs().size());
  auto after = mem_.list(support::kRepository);
  std::erase(after, ".restore-test.lock");
  EXPECT_EQ(after, before);
}

// Everything but locks.
bool matters(const std::string& name) {
  return name[0] != '.';
}

TEST_F(VerifyTest, EveryFileThatIsMissingIsNoticed) {
  for (const std::string& name : mem_.list(support::kRepository)) {
    if (!matters(name) || name.ends_with(".sums")) continue;  // without sums it is md5 that tells
    const std::string content = *mem_.content(in_repository(name));
    mem_.remove_all(in_repository(name));
    // An older record that is not there tells of no backup; its chain goes on with the others.
    const Verification result = run();
    const bool older = name.ends_with(".backup") && name != record_name(last_.stamp);
    EXPECT_TRUE(!result.faults.empty() || (older && result.backups == 2)) << name;
    mem_.put_file(in_repository(name), content, {}, 0600);
  }
  EXPECT_TRUE(run().faults.empty());
}

TEST_F(VerifyTest, EveryFileThatIsCutIsNoticed) {
  for (const std::string& name : mem_.list(support::kRepository)) {
    if (!matters(name)) continue;
    const std::string content = *mem_.content(in_repository(name));
    mem_.put_file(in_repository(name), content.substr(0, content.size() / 2), {}, 0600);
    EXPECT_FALSE(run().faults.empty()) << name;
    mem_.put_file(in_repository(name), content, {}, 0600);
  }
}

TEST_F(VerifyTest, BitFlipsAreNoticed) {
  for (const std::string& name : mem_.list(support::kRepository)) {
    if (!matters(name)) continue;
    const std::string content = *mem_.content(in_repository(name));
    for (std::size_t at = 0; at < content.size(); at += 1 + content.size() / 12) {
      std::string damaged = content;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
      mem_.put_file(in_repository(name), damaged, {}, 0600);
      // The folder in a line of .dat means nothing.
      EXPECT_TRUE(!run().faults.empty() || name.ends_with(".dat")) << name << " at " << at;
    }
    mem_.put_file(in_repository(name), content, {}, 0600);
  }
}

TEST_F(VerifyTest, ABackupWhoseBlobsAreElsewhereIsNotAPair) {
  // An archive and its list of another school: each is whole, but they are not what the database names.
  io::MemEnv other;
  support::Machine other_machine(other);
  support::BlobSchool school;
  school.commit({7, 8});
  school.put(other);
  other.set_now(mem_.now());
  const Record record = back_up(other, instance_, {}).pair.record;
  for (const auto& [from, to] : {std::pair(archive_name(record.stamp), archive_name(last_.stamp)),
                                 std::pair(manifest_name(record.stamp), manifest_name(last_.stamp))}) {
    mem_.put_file(in_repository(to), *other.content(in_repository(from)), {}, 0600);
  }
  const Verification result = run();
  ASSERT_EQ(result.faults.size(), 1u);
  EXPECT_EQ(result.faults[0].name, record_name(last_.stamp));
}

TEST_F(VerifyTest, ARestoreTestComparesWithTheRecord) {
  ++last_.last_tid;
  save_record(*find_repository(mem_, instance_), last_, mem_);
  EXPECT_TRUE(run().faults.empty());
  const Verification result = run(true);
  ASSERT_EQ(result.faults.size(), 1u);
  EXPECT_NE(result.faults[0].text.find("another database came back"), std::string::npos);
}

// A backup that ends meanwhile removes an old one: what is gone then was not damaged.
TEST_F(VerifyTest, ARepositoryThatChangesMeanwhileIsLookedAtAnew) {
  bool done = false;
  const auto meanwhile = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (!done && operation.name == "read_some" && operation.path.ends_with(".fs")) {
      done = true;
      instance_.settings.backup_keep = instance_.settings.backup_keep_min = 1;
      base::UtcTime now = mem_.now();
      now.seconds += 60;
      mem_.set_now(now);
      BackupRequest full;
      full.full = true;
      last_ = back_up(mem_, instance_, full).pair.record;
    }
    return io::no_limit;
  });
  VerifyRequest request;
  const Verification result = verify(*meanwhile, instance_, request);
  for (const Fault& fault : result.faults) ADD_FAILURE() << fault.name << ": " << fault.text;
  EXPECT_TRUE(done);
  EXPECT_EQ(result.newest, last_.stamp);
}

TEST_F(VerifyTest, AnEarlierPieceThatIsMissingIsAFaultOfEveryBackupThatNeedsIt) {
  const auto repository = [&] { return repozo::Repository(mem_, find_repository(mem_, instance_)); };
  const Records records = load_records(*find_repository(mem_, instance_));
  ASSERT_EQ(records.all.size(), 3u);
  mem_.remove_all(in_repository(records.all[1].file));
  repozo::Repository now = repository();
  const auto chains = repozo::list_chains(now);
  EXPECT_EQ(what_lacks(now.dir(), chains, records.all[0]), "");
  EXPECT_EQ(what_lacks(now.dir(), chains, records.all[1]), records.all[1].file + " is missing");
  EXPECT_EQ(what_lacks(now.dir(), chains, records.all[2]), records.all[1].file + " is missing");
  mem_.remove_all(in_repository(archive_name(records.all[0].stamp)));
  EXPECT_EQ(what_lacks(now.dir(), chains, records.all[0]),
            archive_name(records.all[0].stamp) + " is missing");
}

TEST_F(VerifyTest, WithoutARepositoryThereIsNothingToVerify) {
  instance_.name = "another";
  EXPECT_TRUE(support::fails_with(
      base::ErrorKind::not_found, [&] { run(); }, "no backups yet"));
}

}  // namespace
}  // namespace backup
