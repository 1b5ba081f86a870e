// The database that is backed up: where it ends, whether it is whole, and its index.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "filestorage/index.h"
#include "filestorage/index_file.h"
#include "filestorage/scan.h"
#include "io/env.h"

namespace repozo {

// Offset behind the last finished transaction. corrupt if the file is not a FileStorage, is empty, or whole
// transactions stand behind a break.
std::uint64_t end_of_source(io::File& file);

// A part of a database that is known to be sound, with its index.
struct KnownPart {
  std::uint64_t end = 0;
  filestorage::Index positions;
};

// Looks at every record of the source up to `end` and makes its index, in a thread of its own, while the same
// bytes are copied. What is known already is not looked at again.
class SourceScan {
 public:
  SourceScan(io::File& file, std::uint64_t end, std::optional<KnownPart> known);
  ~SourceScan();
  SourceScan(const SourceScan&) = delete;
  SourceScan& operator=(const SourceScan&) = delete;

  // Waits for the end. corrupt, telling the first fault, if a server would not open the file or would cut
  // something off.
  void demand_whole();
  const filestorage::Index& positions() const { return positions_; }
  filestorage::Magic magic() const { return result_.magic; }

 private:
  void scan();

  io::File& file_;
  std::uint64_t end_;
  std::uint64_t from_ = 0;  // 0: from the start
  filestorage::Index positions_;
  filestorage::ScanResult result_;
  std::exception_ptr failure_;
  std::thread thread_;
};

// Writes the index as the ZODB would that owns this database: the dialect is that of the index beside it, or
// else what goes with the magic.
void write_source_index(io::File& target, const SourceScan& scan, std::uint64_t end, io::Dir& source_dir,
                        const std::string& source_name);

}  // namespace repozo
