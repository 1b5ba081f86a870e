// The sweeps of tests/support themselves: they have to find what is wrong, and pass what is right.
#include "support/sweep.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/error.h"
#include "io/atomic_file.h"

namespace support {
namespace {

using base::Error;
using io::Access;
using io::Links;
using io::Replace;

const std::string kOld(5'000, 'o'), kNew(9'000, 'n');

void sync_dir(io::Env& env) {
  env.open_dir("/d", Links::refuse)->sync();
}

// Replaces /d/f by way of /d/tmp, leaving out what a careless programmer might.
struct Care {
  bool sync_content = true, loop = true, sync_folder = true, temporary = true;
};
void replace(io::Env& env, Care care) {
  const auto d = env.open_dir("/d", Links::refuse);
  const std::string name = care.temporary ? "tmp" : "f";
  if (d->status(name)) d->remove(name);
  const auto file = d->create_file(name, 0600);
  if (care.loop) {
    file->write_full(0, base::as_bytes(kNew));
  } else {
    file->write_some(0, base::as_bytes(kNew));
  }
  if (care.sync_content) file->sync();
  file->close();
  if (care.temporary) d->rename("tmp", *d, "f", Replace::yes);
  if (care.sync_folder) d->sync();
}

Scenario scenario(std::function<void(io::Env&)> act) {
  Scenario scene;
  scene.prepare = [](io::MemEnv& mem) { mem.put_file("/d/f", kOld); };
  scene.act = std::move(act);
  scene.verify = [](io::MemEnv& mem, const std::string&) {
    const auto content = mem.content("/d/f");
    EXPECT_TRUE(content == kOld || content == kNew);
  };
  scene.act_again = [](io::Env& env) { replace(env, {}); };
  scene.verify_final = [](io::MemEnv& mem, const std::string&) {
    EXPECT_TRUE(mem.content("/d/f") == kNew);
    EXPECT_EQ(mem.list("/d"), std::vector<std::string>{"f"});
  };
  scene.verify_done = [](io::MemEnv& mem, const std::string&) { EXPECT_TRUE(mem.content("/d/f") == kNew); };
  return scene;
}
Scenario replacing(Care care) {
  return scenario([care](io::Env& env) { replace(env, care); });
}

// The messages of the failures that `sweep` reports.
std::string failures(const std::function<void()>& sweep) {
  testing::TestPartResultArray results;
  {
    const testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
    sweep();
  }
  std::string text;
  for (int i = 0; i < results.size(); ++i) text += std::string(results.GetTestPartResult(i).message()) + "\n";
  return text;
}
std::string crash_failures(const Scenario& scene) {
  return failures([&] { crash_sweep(scene); });
}
std::string fault_failures(const Scenario& scene) {
  return failures([&] { fault_sweep(scene); });
}

TEST(CrashSweep, PassesACarefulReplacementAndCountsItsPoints) {
  const SweepCount count = crash_sweep(replacing({}));
  // create, write, sync, rename, sync: a cut before each and after the last, in 2 + 4 ways.
  EXPECT_EQ(count.operations, 5u);
  EXPECT_EQ(count.points, 36u);
  EXPECT_EQ(crash_sweep(replacing({}), {.seeds = 50}).points, 6u * 52u);
}

TEST(CrashSweep, FindsAMissingSyncOfTheContent) {
  const std::string text = crash_failures(replacing({.sync_content = false}));
  EXPECT_NE(text.find("synced_only"), std::string::npos) << text;
  EXPECT_NE(text.find("power cut before operation 4"), std::string::npos) << text;
}

TEST(CrashSweep, FindsAMissingSyncOfTheFolder) {
  const std::string text = crash_failures(replacing({.sync_folder = false}));
  EXPECT_NE(text.find("act had ended"), std::string::npos) << text;
}

TEST(CrashSweep, FindsAFileThatIsWrittenInPlace) {
  const std::string text = crash_failures(replacing({.temporary = false}));
  EXPECT_NE(text.find("power cut before operation 1 (from 0; create_file '/d/f'), everything"),
            std::string::npos)
      << text;
}

TEST(CrashSweep, RepeatsASinglePoint) {
  const Scenario careless = replacing({.sync_content = false});
  const std::string text = failures([&] { crash_at(careless, 3, io::Survives::everything, 0); });
  EXPECT_EQ(text, "");
  std::string found;
  for (std::uint64_t seed = 0; seed < 20 && found.empty(); ++seed) {
    found = failures([&] { crash_at(careless, 3, io::Survives::random_part, seed); });
  }
  EXPECT_NE(found.find("sync '/d'), random_part, seed "), std::string::npos) << found;
}

TEST(CrashSweep, LetsNoDestructorTidyUpAfterTheCut) {
  Scenario scene = scenario([](io::Env& env) {
    const auto d = env.open_dir("/d", Links::refuse);
    io::replace_file(*d, "f", base::as_bytes(kNew), {}, 0600, env);
  });
  std::size_t leftovers = 0;
  scene.verify = [&](io::MemEnv& mem, const std::string&) { leftovers += mem.list("/d").size() - 1; };
  scene.act_again = [](io::Env& env) {
    io::sweep_temporaries(*env.open_dir("/d", Links::refuse), "f");
    replace(env, {});
  };
  EXPECT_GE(crash_sweep(scene).points, 36u);
  EXPECT_GT(leftovers, 3u);
}

TEST(CrashSweep, SpeaksToDestructorsThatExpectErrorsOnly) {
  struct Tidy {
    io::Dir& dir;
    bool needed = true;
    ~Tidy() {
      if (!needed) return;
      try {
        dir.remove("tmp");
      } catch (const Error&) {
      }
    }
  };
  const SweepCount count = crash_sweep(scenario([](io::Env& env) {
    const auto d = env.open_dir("/d", Links::refuse);
    Tidy tidy{*d};
    replace(env, {});
    tidy.needed = false;
  }));
  EXPECT_EQ(count.points, 36u);
}

TEST(CrashSweep, GoesThroughHandlersOfErrors) {
  int handled = 0;
  const Scenario scene = scenario([&handled](io::Env& env) {
    try {
      replace(env, {});
    } catch (const Error&) {
      ++handled;
    } catch (const std::exception&) {
      ++handled;
    }
  });
  EXPECT_GT(crash_sweep(scene).points, 0u);
  EXPECT_EQ(handled, 0);
}

TEST(CrashSweep, ReportsCodeThatThrowsOrIsNotTheSameInEveryRun) {
  EXPECT_NE(crash_failures(scenario([](io::Env& env) {
              env.open_dir("/none", Links::refuse);
            })).find("undisturbed"),
            std::string::npos);
  int runs = 0;
  const Scenario shrinking = scenario([&runs](io::Env& env) {
    replace(env, {});
    if (++runs == 1) sync_dir(env);
  });
  EXPECT_NE(crash_failures(shrinking).find("same in every run"), std::string::npos);
}

TEST(FaultSweep, PassesACarefulReplacementAndCountsItsPoints) {
  const SweepCount count = fault_sweep(replacing({}));
  EXPECT_EQ(count.operations, 5u);
  // open_dir 2, status 2, create 5, write 6, sync 3, close 1, rename 4, sync 3
  EXPECT_EQ(count.points, 26u);
}

TEST(FaultSweep, FindsAWriteThatDoesNotLoop) {
  const std::string text = fault_failures(replacing({.loop = false}));
  EXPECT_NE(text.find("cut short to 1 byte: write_some '/d/tmp'"), std::string::npos) << text;
  EXPECT_NE(text.find("cut short to half: write_some '/d/tmp'"), std::string::npos) << text;
}

TEST(FaultSweep, FindsAnErrorThatIsIgnored) {
  const std::string text = fault_failures(scenario([](io::Env& env) {
    const auto d = env.open_dir("/d", Links::refuse);
    const auto file = d->open_file("f", Access::read_write);
    try {
      file->write_full(0, base::as_bytes(kNew));
    } catch (const Error&) {
    }
    file->sync();
  }));
  EXPECT_NE(text.find("Input/output error at write_some '/d/f', time 0"), std::string::npos) << text;
  EXPECT_NE(text.find("disk full from write_some '/d/f'"), std::string::npos) << text;
}

TEST(FaultSweep, FindsAFailedSyncThatIsIgnored) {
  const std::string text = fault_failures(scenario([](io::Env& env) {
    const auto d = env.open_dir("/d", Links::refuse);
    if (d->status("tmp")) d->remove("tmp");
    const auto file = d->create_file("tmp", 0600);
    file->write_full(0, base::as_bytes(kNew));
    try {
      file->sync();
    } catch (const Error&) {
    }
    d->rename("tmp", *d, "f", Replace::yes);
    d->sync();
  }));
  EXPECT_NE(text.find("Input/output error at sync '/d/tmp', time 0"), std::string::npos) << text;
}

// What is to be put back after a failure cannot be on a disk that has become read-only.
TEST(FaultSweep, FindsAnUndoingThatFailsAsWell) {
  const std::string text = fault_failures(scenario([](io::Env& env) {
    const auto d = env.open_dir("/d", Links::refuse);
    d->rename("f", *d, "aside", Replace::no);
    try {
      replace(env, {});
    } catch (const Error&) {
      d->rename("aside", *d, "f", Replace::yes);
      throw;
    }
    d->remove("aside");
  }));
  EXPECT_NE(text.find("disk read-only from create_file '/d/tmp'"), std::string::npos) << text;
}

TEST(FaultSweep, KeepsTheDiskFullTillTheEnd) {
  // Fails if one write fails, gets over it if only that one does.
  int refused = 0;
  const Scenario scene = scenario([&refused](io::Env& env) {
    for (int attempt = 0;; ++attempt) {
      try {
        replace(env, {});
        return;
      } catch (const Error& error) {
        if (error.kind() != base::ErrorKind::no_space) throw;
        if (attempt == 3) {
          ++refused;
          throw;
        }
      }
    }
  });
  EXPECT_GT(fault_sweep(scene).points, 0u);
  EXPECT_EQ(refused, 2);  // from create_file, from write_some
}

TEST(FaultSweep, ReportsExceptionsOfOtherTypes) {
  const std::string text = fault_failures(scenario([](io::Env& env) {
    try {
      replace(env, {});
    } catch (const Error& error) {
      throw std::runtime_error(error.what());
    }
  }));
  EXPECT_NE(text.find("no base::Error"), std::string::npos) << text;
}

TEST(FaultSweep, TellsReadsOfSeveralThreadsApartByFile) {
  Scenario scene = scenario([](io::Env& env) {
    const auto d = env.open_dir("/d", Links::refuse);
    const auto f = d->open_file("f", Access::read), g = d->open_file("g", Access::read);
    std::exception_ptr failed;
    std::thread other([&] {
      try {
        std::byte bytes[100];
        for (std::uint64_t at = 0; at < 5'000; at += 100) g->read_full(at, bytes);
      } catch (...) {
        failed = std::current_exception();
      }
    });
    try {
      std::byte bytes[100];
      for (std::uint64_t at = 0; at < 5'000; at += 100) f->read_full(at, bytes);
    } catch (...) {
      other.join();
      throw;
    }
    other.join();
    if (failed) std::rethrow_exception(failed);
  });
  scene.prepare = [](io::MemEnv& mem) {
    mem.put_file("/d/f", kNew);
    mem.put_file("/d/g", kOld);
  };
  scene.act_again = [](io::Env&) {};
  scene.verify_final = nullptr;
  EXPECT_EQ(fault_sweep(scene).points, 2u * (1 + 2) + 100u * 3);
}

}  // namespace
}  // namespace support
