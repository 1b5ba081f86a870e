#include "io/hooked_env.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/mem_env.h"
#include "support/errors.h"

namespace io {
namespace {

using base::Error;
using base::ErrorKind;
using support::fails_with;

// Every function of env.h once, in the order of the table below.
void use_everything(Env& env) {
  const auto d = env.open_dir("/data", Links::refuse);
  const auto old = d->open_file("old", Access::read);
  const auto sub = d->open_dir("sub");
  d->status("old");
  d->status();
  d->list();
  d->space();
  std::vector<std::byte> bytes(3);
  old->read_some(0, bytes);
  old->status();
  old->start_writeback(0, 1);
  old->drop_cache(0, 1);
  old->try_lock();
  env.sleep_ms(1);
  const auto file = d->create_file("new", 0600);
  file->write_some(0, bytes);
  file->copy_some(*old, 0, 0, 2);
  file->clone_from(*old);
  file->set_owner({1, 1});
  file->set_mode(0640);
  file->set_modified({});
  file->truncate(1);
  file->reserve(10);
  file->sync();
  file->close();
  d->make_dir("made", 0700);
  d->set_owner({});
  d->set_mode(0700);
  d->rename("new", *sub, "moved", Replace::no);
  d->link(*old, "linked");
  d->remove("linked");
  d->remove_dir("made");
  d->sync();
  env.run({"/bin/program", "argument"}, 1);
  env.now();
  env.random();
  env.process_id();
}

struct Expected {
  const char* name;
  const char* path;
  bool changes;
  std::uint64_t bytes = 0;
};
const std::vector<Expected> kEverything = {
    {"open_dir", "/data", false},
    {"open_file", "/data/old", false},
    {"open_dir", "/data/sub", false},
    {"status", "/data/old", false},
    {"status", "/data", false},
    {"list", "/data", false},
    {"space", "/data", false},
    {"read_some", "/data/old", false, 3},
    {"status", "/data/old", false},
    {"start_writeback", "/data/old", false},
    {"drop_cache", "/data/old", false},
    {"try_lock", "/data/old", false},
    {"sleep_ms", "", false},
    {"create_file", "/data/new", true},
    {"write_some", "/data/new", true, 3},
    {"copy_some", "/data/new", true, 2},
    {"clone_from", "/data/new", true},
    {"set_owner", "/data/new", true},
    {"set_mode", "/data/new", true},
    {"set_modified", "/data/new", true},
    {"truncate", "/data/new", true},
    {"reserve", "/data/new", true},
    {"sync", "/data/new", true},
    {"close", "/data/new", false},
    {"make_dir", "/data/made", true},
    {"set_owner", "/data", true},
    {"set_mode", "/data", true},
    {"rename", "/data/new", true},
    {"link", "/data/linked", true},
    {"remove", "/data/linked", true},
    {"remove_dir", "/data/made", true},
    {"sync", "/data", true},
    {"run", "/bin/program", true},
};

void set_scene(MemEnv& mem) {
  mem.put_file("/data/old", "old");
  mem.put_dir("/data/sub");
}

TEST(HookedEnv, TellsEachOperationBeforeItHappens) {
  MemEnv mem;
  set_scene(mem);
  std::size_t count = 0;
  const auto env = make_hooked_env(mem, [&](const Operation& operation) {
    if (count < kEverything.size()) {
      const Expected& expected = kEverything[count];
      SCOPED_TRACE(count);
      EXPECT_EQ(operation.name, expected.name);
      EXPECT_EQ(operation.path, expected.path);
      EXPECT_EQ(operation.changes, expected.changes);
      EXPECT_EQ(operation.bytes, expected.bytes);
    }
    EXPECT_TRUE(operation.name != "create_file" || !mem.status("/data/new").has_value());
    ++count;
    return no_limit;
  });
  use_everything(*env);
  EXPECT_EQ(count, kEverything.size());
  EXPECT_EQ(mem.list("/data/sub"), std::vector<std::string>{"moved"});
}

TEST(HookedEnv, DoesNotDoWhatTheHookRefuses) {
  for (std::size_t refused = 0; refused < kEverything.size(); ++refused) {
    MemEnv mem;
    set_scene(mem);
    std::size_t count = 0;
    const auto env = make_hooked_env(mem, [&](const Operation& operation) {
      if (count++ == refused) throw Error::from_errno(std::string(operation.name), operation.path, EIO);
      return no_limit;
    });
    EXPECT_TRUE(fails_with(
        ErrorKind::io, [&] { use_everything(*env); }, kEverything[refused].name));
    EXPECT_EQ(count, refused + 1);
  }
}

TEST(HookedEnv, ShortensReadsWritesAndCopies) {
  MemEnv mem;
  mem.put_file("/a", "0123456789");
  std::uint64_t limit = 4;
  const auto env = make_hooked_env(mem, [&](const Operation&) { return limit; });
  const auto d = env->open_dir("/", Links::refuse);
  const auto a = d->open_file("a", Access::read), b = d->create_file("b", 0600);
  std::vector<std::byte> bytes(8);
  EXPECT_EQ(a->read_some(0, bytes), 4u);
  EXPECT_EQ(b->write_some(0, bytes), 4u);
  EXPECT_EQ(b->copy_some(*a, 0, 0, 9), 4u);
  limit = 0;  // at least 1, or loops would never end
  EXPECT_EQ(a->read_some(0, bytes), 1u);
  EXPECT_EQ(b->write_some(0, bytes), 1u);
  EXPECT_EQ(b->copy_some(*a, 0, 0, 9), 1u);
  limit = no_limit;
  EXPECT_EQ(a->read_some(0, bytes), 8u);
  limit = 3;
  EXPECT_EQ(a->read_full(0, bytes), 8u);
  b->write_full(0, base::as_bytes("abcdefgh"));
  EXPECT_EQ(mem.content("/b"), "abcdefgh");
}

TEST(HookedEnv, WorksOnFilesThatAreItsOwnOnly) {
  MemEnv mem;
  mem.put_file("/a", "x");
  const Hook hook = [](const Operation&) { return no_limit; };
  const auto env = make_hooked_env(mem, hook), other = make_hooked_env(mem, hook);
  const auto d = env->open_dir("/", Links::refuse);
  for (Env* foreign : {static_cast<Env*>(&mem), other.get()}) {
    const auto e = foreign->open_dir("/", Links::refuse);
    const auto file = e->open_file("a", Access::read_write);
    EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { d->link(*file, "b"); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { d->rename("a", *e, "b", Replace::no); }));
    const auto own = d->open_file("a", Access::read_write);
    EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { own->copy_some(*file, 0, 0, 1); }));
    EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { own->clone_from(*file); }));
  }
  EXPECT_EQ(mem.list("/"), std::vector<std::string>{"a"});
}

TEST(HookedEnv, MayBeNested) {
  MemEnv mem;
  set_scene(mem);
  std::size_t inner_count = 0, outer_count = 0;
  const auto inner = make_hooked_env(mem, [&](const Operation&) { return ++inner_count, no_limit; });
  const auto outer = make_hooked_env(*inner, [&](const Operation&) { return ++outer_count, no_limit; });
  use_everything(*outer);
  EXPECT_EQ(inner_count, kEverything.size());
  EXPECT_EQ(outer_count, kEverything.size());
}

TEST(ReadOnlyEnv, LetsReadsPassAndRefusesEveryChange) {
  MemEnv mem;
  set_scene(mem);
  mem.put_file("/data/file", "x");
  bool ran = false;
  mem.set_runner([&](const std::vector<std::string>&) { return ran = true, RunResult{}; });
  const auto env = make_read_only_env(mem);
  const auto d = env->open_dir("/data", Links::refuse);
  const auto file = d->open_file("file", Access::read_write), old = d->open_file("old", Access::read);
  std::vector<std::byte> bytes(3);
  EXPECT_EQ(old->read_some(0, bytes), 3u);
  EXPECT_TRUE(old->try_lock());
  EXPECT_EQ(d->list().size(), 3u);
  EXPECT_TRUE(d->status("old"));
  d->open_dir("sub");
  file->start_writeback(0, 1);
  for (const std::function<void()>& change : std::vector<std::function<void()>>{
           [&] { file->write_some(0, bytes); }, [&] { file->copy_some(*old, 0, 0, 1); },
           [&] { file->clone_from(*old); },
           [&] {
             file->set_owner({1, 1});
           },
           [&] { file->set_mode(0); }, [&] { file->set_modified({}); }, [&] { file->truncate(0); },
           [&] { file->reserve(10); }, [&] { file->sync(); }, [&] { d->create_file("new", 0600); },
           [&] { d->make_dir("new", 0700); },
           [&] {
             d->set_owner({1, 1});
           },
           [&] { d->set_mode(0); }, [&] { d->rename("old", *d, "new", Replace::yes); },
           [&] { d->link(*old, "new"); }, [&] { d->remove("old"); }, [&] { d->remove_dir("sub"); },
           [&] { d->sync(); }, [&] { env->run({"/bin/true"}, 1); }}) {
    EXPECT_TRUE(fails_with(ErrorKind::unsupported, change, "refused: dry run"));
  }
  EXPECT_FALSE(ran);
  EXPECT_EQ(mem.list("/data"), (std::vector<std::string>{"file", "old", "sub"}));
  EXPECT_EQ(mem.content("/data/file"), "x");
  EXPECT_EQ(mem.status("/data/file")->mode, 0644u);
}

}  // namespace
}  // namespace io
