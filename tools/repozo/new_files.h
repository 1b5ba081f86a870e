// Writing the files of one backup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/atomic_file.h"
#include "io/copy.h"
#include "io/env.h"
#include "repozo/dat_file.h"
#include "repozo/repository.h"
#include "repozo/sums_file.h"

namespace repozo {

// Bytes [start, end) of `source` to the empty `target`, plain or compressed. Each byte is read once, and what
// is summed is what is written. corrupt if the source ends before `end`. Not durable.
struct Written {
  std::string md5;
  std::vector<Sum> blocks;
  std::uint64_t stored = 0;  // bytes in the target
};
Written copy_range(io::File& source, std::uint64_t start, std::uint64_t end, bool gzip, io::File& target,
                   const io::OnProgress& progress);

// Sets owner and mode as far as we may, and syncs: one who is not root keeps what he owns.
void seal_as_far_as_allowed(io::AtomicFile& file, io::Owner owner, std::uint32_t mode);

// Puts these lines in the place of the chain's .dat. Durable; if it throws, the old one stands.
void replace_dat(Repository& repository, const std::string& chain, const std::vector<DatLine>& lines,
                 io::Owner owner, std::uint32_t mode);

// The files that stand beside a backup, made before it under their final names: nobody looks at them as long
// as there is no backup of that stamp. Removed again unless keep() was called.
class SideFiles {
 public:
  SideFiles(Repository& repository, std::string stamp, std::uint32_t mode);
  ~SideFiles();
  SideFiles(const SideFiles&) = delete;
  SideFiles& operator=(const SideFiles&) = delete;

  // .sums-new comes first and is durable before any other has a name: by it, lock_and_sweep() knows the rest.
  void reserve_stamp();
  // Made empty, for the caller to fill and sync.
  std::unique_ptr<io::File> create(const std::string& name);
  void write_sums(const Sums& sums);
  // All names are durable when it returns.
  void sync();
  // From here on they may be needed.
  void keep() { kept_ = true; }
  // The backup has its name.
  void finish();

 private:
  Repository& repository_;
  std::string stamp_;
  std::uint32_t mode_;
  std::unique_ptr<io::File> sums_;
  std::vector<std::string> made_;
  bool kept_ = false;
};

}  // namespace repozo
