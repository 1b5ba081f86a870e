// An Env around another one, with a hook before each operation. Used for dry runs (refuse every write), to
// count operations, to fail the Nth, and to kill the process at the Nth.
//
// Files and folders that meet in one call (copy_some, clone_from, rename, link) must all have been opened
// through the same hooked env; others are refused (unsupported).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/env.h"

namespace io {

// What is about to happen. `changes` is true for everything that alters the disk or starts a program
// (write_some, copy_some, clone_from, set_owner, set_mode, set_modified, truncate, reserve, create_file,
// make_dir, rename, link, remove, remove_dir, sync, run); false for open_dir, open_file, read_some, status,
// list, space, try_lock, close, sleep_ms and the hints start_writeback and drop_cache. now(), random(),
// process_id() and path() are not told: they do not reach the disk and cannot fail.
struct Operation {
  std::string_view name;  // as the function is called in env.h: "write_some"
  std::string path;       // with the name in the folder; for run: the program; empty for sleep_ms
  bool changes;
  std::uint64_t bytes = 0;  // asked of read_some, write_some and copy_some
};

// The hook may throw instead of letting the operation happen. For read_some, write_some and copy_some it may
// return a number of bytes to which the operation is shortened (at least 1); anything else returns no_limit.
// It is called from whichever thread uses the file, so also from several at once.
using Hook = std::function<std::uint64_t(const Operation&)>;
inline constexpr std::uint64_t no_limit = ~std::uint64_t{0};

// `inner` must outlive the result and everything opened through it.
std::unique_ptr<Env> make_hooked_env(Env& inner, Hook hook);

// Reads pass; anything that would change something throws Error(unsupported): no code path can forget a dry
// run.
std::unique_ptr<Env> make_read_only_env(Env& inner);

}  // namespace io
