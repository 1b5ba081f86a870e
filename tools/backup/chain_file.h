// The database that a chain of plain backup pieces holds, as one file to read: nothing is copied for it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/env.h"
#include "repozo/chains.h"

namespace backup {

class ChainFile : public io::File {
 public:
  // The first `count` pieces of the chain. Error(corrupt) if they do not follow each other from byte 0 on, or
  // one has another size than it should, or is compressed; not_found if one is missing.
  ChainFile(io::Dir& repository, const repozo::Chain& chain, std::size_t count);

  const std::string& path() const override { return path_; }
  std::size_t read_some(std::uint64_t offset, std::span<std::byte> into) override;
  // Only the size means anything.
  io::FileStatus status() override;
  void start_writeback(std::uint64_t, std::uint64_t) override {}
  void drop_cache(std::uint64_t, std::uint64_t) override {}
  void close() override {}

  // Error(unsupported), all of them: it is for reading.
  std::size_t write_some(std::uint64_t, base::ByteSpan) override { refuse(); }
  std::uint64_t copy_some(io::File&, std::uint64_t, std::uint64_t, std::uint64_t) override { refuse(); }
  bool clone_from(io::File&) override { refuse(); }
  void set_owner(io::Owner) override { refuse(); }
  void set_mode(std::uint32_t) override { refuse(); }
  void set_modified(base::UtcTime) override { refuse(); }
  void truncate(std::uint64_t) override { refuse(); }
  void reserve(std::uint64_t) override { refuse(); }
  bool try_lock() override { refuse(); }
  void sync() override { refuse(); }

 private:
  [[noreturn]] void refuse() const;
  struct Part {
    std::string name;
    std::uint64_t start = 0, end = 0;
    std::unique_ptr<io::File> file;
  };
  io::File& part_of(std::size_t number);

  io::Dir& repository_;
  std::string path_;
  std::vector<Part> parts_;  // opened when first read
  std::size_t current_ = 0;  // part of the last read
};

}  // namespace backup
