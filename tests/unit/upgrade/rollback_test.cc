#include "upgrade/rollback.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/error.h"
#include "filestorage/index_file.h"
#include "io/hooked_env.h"
#include "support/errors.h"
#include "support/fixture.h"
#include "support/fs_builder.h"
#include "support/scene.h"
#include "upgrade/fingerprint.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::fails_with;
using support::in_data;
using support::school;
using support::school_instance;

class Rollback : public testing::Test {
 protected:
  std::optional<std::string> at(const std::string& name) { return mem_.content(in_data(name)); }
  // Puts `name` back, in the place of what is live.
  RollbackReport put_back(io::Env& env, const std::string& name, const std::string& word = "replaced") {
    DataFolder folder(env, school_instance());
    Service service(env, "schooltool");
    return carry_out(env, folder, plan_rollback(folder, source_named(folder, name), word, false), service,
                     {});
  }
  RollbackReport put_back(const std::string& name) { return put_back(mem_, name); }

  io::MemEnv mem_;
  support::Machine machine_{mem_};
};

TEST_F(Rollback, KeepsTheSourceAndWhatItDisplaces) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  const RollbackReport report = put_back("0");
  EXPECT_BYTES(at("Data.fs"), school(20));
  EXPECT_BYTES(at("Data.fs.0"), school(20));
  EXPECT_BYTES(mem_.content(report.displaced_to), school(5));
  EXPECT_EQ(report.displaced_to, in_data("Data.fs.replaced-20260101T000000Z"));
  EXPECT_EQ(mem_.status(in_data("Data.fs"))->links, 1u);
}

TEST_F(Rollback, IsDurableWhenItReturns) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  machine_.put("Data.fs.index", "stale");
  put_back("0");
  mem_.crash(io::Survives::synced_only, 0);
  EXPECT_BYTES(at("Data.fs"), school(20));
  EXPECT_BYTES(support::displaced_content(mem_), school(5));
  EXPECT_NE(at("Data.fs.index"), "stale");
}

TEST_F(Rollback, WritesTheIndexThatZodbWould) {
  for (const std::string kind : {"fs30", "fs21-310"}) {
    const std::string database = support::read_fixture("fs/" + kind + "-undo/Data.fs");
    machine_.put("Data.fs", school(5));
    machine_.put("Data.fs.index", "stale");
    machine_.put("Data.fs.0", database);
    put_back("0");
    EXPECT_BYTES(at("Data.fs.index"), support::read_fixture("fs/" + kind + "-undo/Data.fs.index"));
    EXPECT_EQ(mem_.status(in_data("Data.fs.index"))->owner, support::kSchoolOwner);
  }
}

TEST_F(Rollback, AnIndexThatCannotBeWrittenIsNoFailure) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  mem_.put_dir(in_data("Data.fs.index"), support::kSchoolOwner);
  put_back("0");
  EXPECT_BYTES(at("Data.fs"), school(20));
  EXPECT_TRUE(support::temporaries(mem_).empty());
}

TEST_F(Rollback, CompressedAndDisplacedOnesCanBePutBack) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.3.gz", support::gzipped(school(20)));
  put_back("3");
  EXPECT_BYTES(at("Data.fs"), school(20));
  const std::string displaced = support::displaced(mem_).at(0);
  put_back(displaced);
  EXPECT_BYTES(at("Data.fs"), school(5));
}

TEST_F(Rollback, RefusesWhatIsNoWholeDatabase) {
  std::string broken = school();
  broken.replace(broken.size() / 2, 200, std::string(200, '\xee'));
  std::string cut = support::gzipped(school());
  cut.resize(cut.size() - 9);
  const std::pair<const char*, std::string> cases[] = {
      {"Data.fs.0", broken},        {"Data.fs.1", ""},     {"Data.fs.2", "FS30"},
      {"Data.fs.3", "no database"}, {"Data.fs.4.gz", cut}, {"Data.fs.5.gz", support::gzipped("no database")},
      {"Data.fs.6.gz", "no gzip"}};
  machine_.put("Data.fs", school(5));
  for (const auto& [name, content] : cases) {
    machine_.put(name, content);
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { put_back(name); })) << name;
  }
  EXPECT_BYTES(at("Data.fs"), school(5));
  EXPECT_TRUE(support::displaced(mem_).empty());
  EXPECT_TRUE(support::temporaries(mem_).empty());
}

TEST_F(Rollback, RefusesNamesThatAreNoCopies) {
  machine_.put("Data.fs", school(5));
  for (const std::string name : {"Data.fs", "", "../../etc/shadow", "/etc/shadow", "Data.fs.index",
                                 "another-Data.fs.0", "-1", "Data.fs.2010", ".schooltool-dbtools"}) {
    EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { put_back(name); })) << name;
  }
  EXPECT_TRUE(fails_with(ErrorKind::not_found, [&] { put_back("7"); }));
}

TEST_F(Rollback, AHostileCompressedCopyFillsNothing) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0.gz", support::gzipped(std::string(30'000'000, '\0')));
  mem_.set_capacity(8'000'000);
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { put_back("0"); }));
  EXPECT_BYTES(at("Data.fs"), school(5));
}

TEST_F(Rollback, RefusesIfTheSourceIsNotWhatWasPlanned) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  machine_.put("Data.fs.1.gz", support::gzipped(school(20)));
  DataFolder folder(mem_, school_instance());
  for (const char* name : {"0", "1"}) {
    const RollbackPlan plan = plan_rollback(folder, source_named(folder, name), "replaced", false);
    machine_.put("Data.fs.0", school(19));  // moved, or tampered with, while the person was thinking
    machine_.put("Data.fs.1.gz", support::gzipped(school(19)));
    Service service(mem_, "schooltool");
    EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { carry_out(mem_, folder, plan, service, {}); }));
    EXPECT_BYTES(at("Data.fs"), school(5));
    EXPECT_TRUE(support::temporaries(mem_).empty());
    machine_.put("Data.fs.1.gz", support::gzipped(school(20)));
  }
}

TEST_F(Rollback, HoldsTheServersLockMeanwhile) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  bool tried = false, free = false;
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "rename") {
      tried = true;
      const auto dir = mem_.open_dir(support::kDataDir, io::Links::refuse);
      free = dir->open_file("Data.fs.lock", io::Access::read)->try_lock();
    }
    return io::no_limit;
  });
  put_back(*env, "0");
  EXPECT_TRUE(tried);
  EXPECT_FALSE(free) << "a server could have opened the database in between";
  // The lock is the service's own afterwards.
  EXPECT_EQ(mem_.status(in_data("Data.fs.lock"))->owner, support::kSchoolOwner);
  machine_.start_server();
  EXPECT_TRUE(machine_.server_runs());
}

TEST_F(Rollback, AServerThatComesInBetweenIsLeftAlone) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  DataFolder folder(mem_, school_instance());
  const RollbackPlan plan = plan_rollback(folder, source_named(folder, "0"), "replaced", false);
  machine_.start_server();
  Service service(mem_, "schooltool");
  EXPECT_TRUE(fails_with(ErrorKind::busy, [&] { carry_out(mem_, folder, plan, service, {}); }));
  EXPECT_BYTES(at("Data.fs"), school(5));
}

TEST_F(Rollback, AServerThatWasStoppedIsStartedAgainAfterAFailure) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  machine_.start_server();
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "copy_some") throw base::Error::from_errno("copy", operation.path, EIO);
    return io::no_limit;
  });
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { put_back(*env, "0"); }));
  EXPECT_TRUE(machine_.server_runs());
  EXPECT_BYTES(at("Data.fs"), school(5));
}

TEST_F(Rollback, DisplacesByRenameWhereThereAreNoHardLinks) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  const auto env = io::make_hooked_env(mem_, [&](const io::Operation& operation) {
    if (operation.name == "link") throw base::Error::from_errno("link", operation.path, EPERM);
    return io::no_limit;
  });
  put_back(*env, "0");
  EXPECT_BYTES(at("Data.fs"), school(20));
  EXPECT_BYTES(support::displaced_content(mem_), school(5));
}

TEST_F(Rollback, MovesAsideWhateverStandsInTheDatabasesPlace) {
  const std::function<void()> stand_ins[] = {
      [&] { mem_.put_symlink(in_data("Data.fs"), "/etc/shadow", support::kSchoolOwner); },
      [&] { mem_.put_special(in_data("Data.fs"), io::FileType::fifo, support::kSchoolOwner); },
      [&] { mem_.put_dir(in_data("Data.fs"), support::kSchoolOwner); }};
  mem_.put_file("/etc/shadow", "root:secret", {}, 0600);
  for (const auto& put : stand_ins) {
    mem_.remove_all(in_data("Data.fs"));
    put();
    const auto type = mem_.status(in_data("Data.fs"))->type;
    machine_.put("Data.fs.0", school(20));
    const RollbackReport report = put_back("0");
    EXPECT_BYTES(at("Data.fs"), school(20));
    EXPECT_EQ(mem_.status(report.displaced_to)->type, type);
  }
  EXPECT_EQ(mem_.content("/etc/shadow"), "root:secret");
}

TEST_F(Rollback, TakesTheNextFreeSecondForTheName) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  machine_.put("Data.fs.replaced-20260101T000000Z", "taken");
  EXPECT_EQ(put_back("0").displaced_to, in_data("Data.fs.replaced-20260101T000001Z"));
  EXPECT_EQ(at("Data.fs.replaced-20260101T000000Z"), "taken");
}

TEST_F(Rollback, TakesTheNameThatAnInterruptedRunGaveIt) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  mem_.put_link(in_data("Data.fs.blank-20251231T235900Z"), in_data("Data.fs"));
  EXPECT_EQ(put_back("0").displaced_to, in_data("Data.fs.blank-20251231T235900Z"));
  EXPECT_EQ(support::displaced(mem_).size(), 1u);
}

// ---- without space

class RollbackWithoutSpace : public Rollback {
 protected:
  void fill_up() {
    const auto space = mem_.open_dir("/", io::Links::refuse)->space();
    mem_.set_capacity(space.total - space.free + 20 * 1024);
  }
};

TEST_F(RollbackWithoutSpace, TheSourceItselfBecomesTheLiveFile) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", support::with_torn_tail(school(20)));
  machine_.put("Data.fs.1", school(3));
  mem_.put_link(in_data("Data.fs.4"), in_data("Data.fs.0"));
  fill_up();
  put_back("0");
  EXPECT_BYTES(at("Data.fs"), support::with_torn_tail(school(20)));  // ZODB cuts the tail off
  EXPECT_FALSE(at("Data.fs.0"));
  EXPECT_FALSE(at("Data.fs.4")) << "a server would write into it";
  EXPECT_BYTES(at("Data.fs.1"), school(3));
  EXPECT_BYTES(support::displaced_content(mem_), school(5));
}

TEST_F(RollbackWithoutSpace, ACompressedSourceIsRefused) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0.gz", support::gzipped(school(20)));
  fill_up();
  EXPECT_TRUE(fails_with(ErrorKind::no_space, [&] { put_back("0"); }));
  EXPECT_BYTES(at("Data.fs"), school(5));
}

TEST_F(RollbackWithoutSpace, ASourceThatDoesNotProveWholeStaysWhereItIs) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(20));
  mem_.put_link(in_data("Data.fs.1"), in_data("Data.fs.0"));
  fill_up();
  DataFolder folder(mem_, school_instance());
  const RollbackPlan plan = plan_rollback(folder, source_named(folder, "0"), "replaced", false);
  ASSERT_TRUE(plan.move_instead_of_copy);
  std::string other = school(20);
  other[other.size() / 2] ^= 1;
  machine_.put("Data.fs.0", other);
  Service service(mem_, "schooltool");
  EXPECT_TRUE(fails_with(ErrorKind::corrupt, [&] { carry_out(mem_, folder, plan, service, {}); }));
  EXPECT_BYTES(at("Data.fs"), school(5));
  EXPECT_TRUE(at("Data.fs.0") && at("Data.fs.1"));
}

// ---- finding

TEST_F(Rollback, FindsByContentAndNotByName) {
  machine_.put("Data.fs", school(5));
  machine_.put("Data.fs.0", school(19));
  machine_.put("Data.fs.1", support::with_torn_tail(school(20)));
  machine_.put("Data.fs.2.gz", support::gzipped(school(20)));
  mem_.put_symlink(in_data("Data.fs.3"), "/etc/shadow", support::kSchoolOwner);
  mem_.put_special(in_data("Data.fs.4"), io::FileType::fifo, support::kSchoolOwner);
  mem_.put_dir(in_data("Data.fs.5"), support::kSchoolOwner);
  machine_.put("Data.fs.6.gz", "no gzip");
  DataFolder folder(mem_, school_instance());
  const Fingerprint wanted = source_named(folder, "1").database;
  EXPECT_EQ(find_source(folder, wanted, "").value().name, "Data.fs.1");
  mem_.remove_all(in_data("Data.fs.1"));
  const auto compressed = find_source(folder, wanted, "").value();
  EXPECT_EQ(compressed.name, "Data.fs.2.gz");
  EXPECT_TRUE(compressed.compressed);
  mem_.remove_all(in_data("Data.fs.2.gz"));
  EXPECT_FALSE(find_source(folder, wanted, ""));
}

TEST_F(Rollback, SaysSoIfTheOnlyCopyCannotBeRead) {
  machine_.put("Data.fs.0", school(20));
  const auto env = io::make_hooked_env(mem_, [armed = false](const io::Operation& operation) mutable {
    if (operation.name == "list") armed = true;  // find_source begins with it
    if (armed && operation.name == "read_some") throw base::Error::from_errno("read", operation.path, EIO);
    return io::no_limit;
  });
  DataFolder folder(*env, school_instance());
  const Fingerprint wanted = source_named(folder, "0").database;
  EXPECT_TRUE(fails_with(ErrorKind::io, [&] { find_source(folder, wanted, ""); }));
}

}  // namespace
}  // namespace upgrade
