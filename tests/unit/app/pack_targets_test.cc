#include "app/pack_targets.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"
#include "support/errors.h"
#include "support/scene.h"

namespace app {
namespace {

using base::ErrorKind;
using support::fails_with;
using support::in_data;

TEST(PackTargets, AServerIsTheOneOfTheConfiguration) {
  upgrade::Instance instance = support::school_instance();
  EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { server_of(instance); }));
  instance.server = "/run/zeo.sock";
  EXPECT_EQ(server_of(instance), (zeo::Server{zeo::Address::unix_socket("/run/zeo.sock"), "1"}));
  instance.server = "localhost:7081";
  instance.storage = "school";
  EXPECT_EQ(server_of(instance), (zeo::Server{zeo::Address::tcp("localhost", 7081), "school"}));
  instance.server = "zeo.sock";
  EXPECT_TRUE(fails_with(ErrorKind::usage, [&] { server_of(instance); }));
}

TEST(PackTargets, AnotherDatabaseIsRefusedWhereItCanBeSeen) {
  io::MemEnv mem;
  support::Machine machine(mem);
  machine.put("Data.fs", "ours");
  machine.put("Other.fs", "another");
  mem.put_symlink("/srv/school", support::kDataDir);
  const auto look = [&](const std::string& name) {
    zeo::StorageInfo info;
    info.name = name;
    refuse_other_database(mem, in_data("Data.fs"), info);
  };
  for (const std::string& same : {in_data("Data.fs"), std::string("/srv/school/Data.fs")})
    EXPECT_NO_THROW(look(same)) << same;
  // A server in a container, one started with a relative path, one that tells no file.
  for (const char* unseen : {"/elsewhere/Data.fs", "Other.fs", "", "DemoStorage('x')", "/"})
    EXPECT_NO_THROW(look(unseen)) << unseen;
  EXPECT_TRUE(fails_with(ErrorKind::unsupported, [&] { look(in_data("Other.fs")); }));
}

}  // namespace
}  // namespace app
