#include "upgrade/journal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/mem_env.h"
#include "support/errors.h"

namespace upgrade {
namespace {

using base::ErrorKind;
using support::fails_with;

constexpr const char* kPath = "/var/lib/schooltool-dbtools/standard/state.json";

Fingerprint some_fingerprint() {
  Fingerprint print;
  print.size = 0xffffffffffffu;
  print.transactions = 3;
  print.records = 40;
  print.objects = 30;
  print.first_tid = 0x0398f82b40865944;
  print.last_tid = 0xffffffffffffffff;
  print.xxh128 = "0123456789abcdef0123456789abcdef";
  print.owner = {1234, 4321};
  print.mode = 0640;
  return print;
}

Journal full_journal() {
  OpenUpgrade open;
  open.id = "20261123T141908Z-1f3a";
  open.opened = {1795443548, 0};
  open.by = "dpkg";
  open.data_dir = "/srv/some folder";
  open.data_name = "another-Data.fs";
  open.packages = {{"schooltool", "1.0", "2.0"}, {"python-schooltool", "", ""}};
  open.before = Before::blank;
  open.database = some_fingerprint();
  open.held = "Data.fs.20261123T141908Z-1f3a.held";
  open.blobs = BlobFolder{"/srv/some folder/another-blobs", 18446744073709551615U};
  open.server_was_running = true;
  open.good_since = base::UtcTime{1795443600, 0};
  open.rollbacks = 2;
  open.untold = {"was blank", "is back"};
  Journal journal;
  journal.open = open;
  journal.snapshot = some_fingerprint();
  journal.snapshot_taken = base::UtcTime{1795443500, 0};
  journal.last = Outcome{{1795443601, 0}, Verdict::truncated, "cut to 5 of 9 bytes", "rolled back", "/srv/x"};
  journal.last_replaced = Outcome{{1795443600, 0}, Verdict::blank, "empty", "erased", "/srv/y"};
  return journal;
}

TEST(Journal, AbsentIsEmpty) {
  io::MemEnv mem;
  const auto state = open_state(mem, "standard");
  const Journal journal = load_journal(*state);
  EXPECT_FALSE(journal.open || journal.snapshot || journal.snapshot_taken || journal.last);
}

TEST(Journal, ComesBackAsItWasSaved) {
  io::MemEnv mem;
  const auto state = open_state(mem, "standard");
  for (const Journal& journal : {full_journal(), Journal{}}) {
    save_journal(*state, journal, mem);
    EXPECT_EQ(journal_json(load_journal(*state)), journal_json(journal));
  }
  save_journal(*state, full_journal(), mem);
  const OpenUpgrade open = load_journal(*state).open.value();
  EXPECT_EQ(open.database.last_tid, 0xffffffffffffffffu);
  EXPECT_EQ(open.database.owner, (io::Owner{1234, 4321}));
  EXPECT_EQ(open.before, Before::blank);
  EXPECT_EQ(open.untold, full_journal().open->untold);
  EXPECT_EQ(open.blobs, full_journal().open->blobs);
  EXPECT_EQ(open.good_since, (base::UtcTime{1795443600, 0}));
  EXPECT_EQ(open.packages.at(0).new_version, "2.0");
}

TEST(Journal, IsDurableAndRootsAlone) {
  io::MemEnv mem;
  save_journal(*open_state(mem, "standard"), full_journal(), mem);
  mem.crash(io::Survives::synced_only, 0);
  EXPECT_EQ(journal_json(load_journal(*find_state(mem, "standard"))), journal_json(full_journal()));
  EXPECT_EQ(mem.status(kPath)->mode, 0600u);
  EXPECT_EQ(mem.status("/var/lib/schooltool-dbtools")->mode, 0700u);
  EXPECT_EQ(mem.status("/var/lib/schooltool-dbtools/standard")->mode, 0700u);
}

TEST(Journal, RefusesWhatItDidNotWriteAndSaysWhatToDo) {
  nlohmann::json whole = nlohmann::json::parse(journal_json(full_journal()));
  std::vector<std::string> cases = {
      "", "{", "[]", "null", "{}", "\x80", R"({"format": 2})", R"({"format": "1"})"};
  for (const char* key : {"id", "opened", "before", "database", "held", "packages", "rollbacks"}) {
    nlohmann::json broken = whole;
    broken["open_upgrade"].erase(key);
    cases.push_back(broken.dump());
  }
  const std::pair<const char*, nlohmann::json> wrong[] = {
      {"/open_upgrade/opened", "yesterday"},
      {"/open_upgrade/before", "gone"},
      {"/open_upgrade/database/last_tid", "12"},
      {"/open_upgrade/database/last_tid", "000000000000000g"},
      {"/last/verdict", "fine"},
      {"/last_replaced/verdict", "fine"}};
  for (const auto& [where, value] : wrong) {
    nlohmann::json broken = whole;
    broken[nlohmann::json::json_pointer(where)] = value;
    cases.push_back(broken.dump());
  }
  for (const std::string& text : cases) {
    io::MemEnv mem;
    const auto state = open_state(mem, "standard");
    mem.put_file(kPath, text, {}, 0600);
    try {
      load_journal(*state);
      ADD_FAILURE() << "took " << text;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::corrupt) << text;
      EXPECT_NE(std::string(error.what()).find(kPath), std::string::npos) << error.what();
      EXPECT_NE(error.hint().find("move it away"), std::string::npos);
    }
  }
}

TEST(Journal, KeepsWorkingWithNamesThatAreNoUtf8) {
  io::MemEnv mem;
  const auto state = open_state(mem, "standard");
  Journal journal = full_journal();
  journal.open->data_dir = "/srv/sch\xfcle";
  save_journal(*state, journal, mem);
  EXPECT_EQ(load_journal(*state).open->held, journal.open->held);
  EXPECT_FALSE(journal_json(journal).empty());
}

TEST(Journal, AFolderThatOthersMayWriteToIsRefused) {
  const struct {
    io::Owner owner;
    std::uint32_t mode;
  } cases[] = {{{1234, 1234}, 0700}, {{0, 0}, 0770}, {{0, 0}, 0707}};
  for (const auto& one : cases) {
    io::MemEnv mem;
    mem.put_dir("/var/lib/schooltool-dbtools/standard", one.owner, one.mode);
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { open_state(mem, "standard"); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsafe_path, [&] { find_state(mem, "standard"); }));
  }
}

TEST(Journal, LookingMakesNothing) {
  io::MemEnv mem;
  EXPECT_EQ(find_state(mem, "standard"), nullptr);
  EXPECT_FALSE(mem.status(kStateRoot));
}

TEST(Journal, WordsOfVerdictsGoBothWays) {
  for (const Verdict verdict :
       {Verdict::unchanged, Verdict::grown, Verdict::packed, Verdict::evolved, Verdict::sound,
        Verdict::missing, Verdict::blank, Verdict::truncated, Verdict::foreign, Verdict::damaged}) {
    EXPECT_EQ(verdict_from(to_string(verdict)), verdict);
    EXPECT_FALSE(is_healthy(verdict) && is_empty_handed(verdict));
  }
  EXPECT_FALSE(verdict_from("unknown"));
  EXPECT_FALSE(is_healthy(Verdict::foreign) || is_empty_handed(Verdict::foreign));
  EXPECT_FALSE(is_healthy(Verdict::damaged) || is_empty_handed(Verdict::damaged));
}

}  // namespace
}  // namespace upgrade
