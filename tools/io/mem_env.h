// A file system in memory with a model of what a power cut leaves. It belongs to the io layer because the
// claims about crashes rest on it: it is part of the definition of what Env promises.
//
// Durable is: the content, owner, mode and time of a file as of the last sync() of that file; the names in a
// folder (and its owner and mode) as of the last sync() of that folder. A folder that was made, or a file,
// has its first owner and mode as soon as its name is durable; but a file whose name is durable and whose
// content was never synced is EMPTY.
//
// crash() decides about the rest. With Survives::random_part it may keep whatever a journalling file system
// could have written:
//   - Of each block of 4096 bytes any state it had since the last sync, sometimes torn at a sector of 512.
//     Any size the file had, or one between; zeros where the size arrived and the data did not.
//   - Owner, mode and time, each by itself.
//   - Of the changes of names any selection in which a change is kept only with the earlier ones of the same
//     names. A rename within a folder is kept or lost as a whole. After a rename from one folder to another
//     both names may stand, or either, never neither (so sync() of the old folder alone also keeps the new
//     name). A link and the removal of another name of the file are independent. The removal or move of a
//     folder is kept only with all changes of names before it.
//
// This is less than any of ext4, xfs and btrfs promises, so code that survives it survives those.
//
// Permissions are root's: nothing is refused. Names and folders take no room, content does, by blocks. now()
// moves on by 1 ms with each call, random() gives the same numbers in every run. All functions may be called
// from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/env.h"

namespace io {

namespace mem {
struct Machine;
}

enum class Survives {
  synced_only,  // nothing unsynced kept
  everything,   // all writes reached the disk
  random_part   // a seeded random part, as told above
};

class MemEnv : public Env {
 public:
  MemEnv();
  ~MemEnv() override;

  std::unique_ptr<Dir> open_dir(const std::string& path, Links links) override;
  base::UtcTime now() override;
  std::uint64_t random() override;
  void sleep_ms(unsigned milliseconds) override;  // moves the clock
  RunResult run(const std::vector<std::string>& argv, unsigned timeout_s) override;
  std::int64_t process_id() override;  // another one after each crash

  // For tests: sets the scene, all durable at once and regardless of the capacity. Paths are absolute;
  // parents are made (root, 0755). A file that is there gets the new content in place (same inode, as a
  // writing server does), anything else but a folder is replaced.
  void put_file(const std::string& path, const std::string& content, Owner owner = {},
                std::uint32_t mode = 0644);
  void put_dir(const std::string& path, Owner owner = {}, std::uint32_t mode = 0755);
  void put_symlink(const std::string& path, const std::string& target, Owner owner = {});
  void put_special(const std::string& path, FileType type, Owner owner = {});
  void put_link(const std::string& path,
                const std::string& existing);  // a further (hard) name; `path` must be free
  void remove_all(const std::string& path);    // with all below; nothing if it is absent
  // Content as a program would read it now; empty if there is no such regular file.
  std::optional<std::string> content(const std::string& path) const;
  std::optional<FileStatus> status(const std::string& path) const;
  std::vector<std::string> list(const std::string& path) const;

  void set_now(base::UtcTime time);  // default: 2026-01-01
  // ENOSPC past it, after a short write of what fits. The default is 2^50. What is open keeps its room when
  // its name goes.
  void set_capacity(std::uint64_t bytes);
  void set_reflink(bool possible);  // whether clone_from works; default: no
  // What run() does; default: exit status 127. Called without a lock, so it may use this environment.
  void set_runner(std::function<RunResult(const std::vector<std::string>&)> runner);

  // The power goes: open files and folders are dead (every later use throws), locks are gone, and the file
  // system holds what survived. The same history and seed give the same result. The clock and random() go on.
  void crash(Survives survives, std::uint64_t seed);

 private:
  std::shared_ptr<mem::Machine> machine_;
};

}  // namespace io
