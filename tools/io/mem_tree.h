// The tree of files that MemEnv keeps: what programs see now, what is durable, and which changes of names lie
// between. Part of mem_env.h; the rules of POSIX (which change is allowed) are in mem_handles.cc, not here.
// Callers hold Machine's mutex.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/env.h"
#include "io/mem_content.h"

namespace io::mem {

struct Inode;
using InodePtr = std::shared_ptr<Inode>;

struct Inode {
  Inode(std::uint64_t number_, FileType type_, Owner owner_, std::uint32_t mode_, base::UtcTime time)
      : number(number_), type(type_), owner(owner_), mode(mode_), modified(time) {}

  const std::uint64_t number;
  const FileType type;
  Tracked<Owner> owner;
  Tracked<std::uint32_t> mode;
  Tracked<base::UtcTime> modified;
  FileContent content;                                   // of a regular file
  std::uint64_t reserved = 0;                            // its first blocks that have room for sure
  std::map<std::string, InodePtr> names, durable_names;  // of a folder
  std::string target;                                    // of a link
  std::uint64_t links = 0;                               // names it has now (a folder: 0 or 1)
  std::uint64_t opens = 0;
  const void* lock_holder = nullptr;  // the open file that has the flock

  bool is_dir() const { return type == FileType::directory; }
  // Content, owner, mode and time; not the names in a folder.
  void sync();
};

class Tree {
 public:
  explicit Tree(base::UtcTime time);

  const InodePtr& root() const { return root_; }
  InodePtr make(FileType type, Owner owner, std::uint32_t mode, base::UtcTime time);  // no name yet
  static InodePtr find(const Inode& dir, const std::string& name);                    // null if absent

  // Changes of names. The caller has checked that they are allowed; an existing target is replaced.
  void add(const InodePtr& dir, const std::string& name, const InodePtr& inode);
  void drop(const InodePtr& dir, const std::string& name);
  void move(const InodePtr& from_dir, const std::string& from, const InodePtr& to_dir, const std::string& to);
  void sync_names(const Inode& dir);
  void sync_name(const Inode& dir, const std::string& name);  // for setting scenes

  // Content, within the capacity. Returns the bytes written: fewer than asked, or 0, when the disk is full.
  std::size_t write(Inode& file, std::uint64_t offset, base::ByteSpan bytes);
  bool reserve(Inode& file, std::uint64_t size);  // false: not enough room
  void resize(Inode& file, std::uint64_t size);
  void share(Inode& file, const Inode& source);
  std::uint64_t allocated(const Inode& file) const;  // bytes
  void opened(Inode& file) { ++file.opens; }
  void closed(Inode& file);

  std::uint64_t capacity = std::uint64_t{1} << 50;  // bytes
  std::uint64_t free_bytes() const;

  void crash(Survives survives, Random& random);

 private:
  struct Slot {
    InodePtr dir;
    std::string name;
    bool operator==(const Slot&) const = default;
  };
  struct Effect {
    Slot slot;
    InodePtr inode;  // null: the name is gone
  };
  // One change that reaches the disk as a whole or not at all, and never before those it needs.
  struct NameChange {
    std::vector<Effect> effects;
    std::vector<Slot> slots;           // touched; also the old name in a move between folders
    std::vector<std::uint64_t> needs;  // earlier changes; one that is not pending any more is durable
  };

  std::uint64_t log(NameChange change);
  void commit(std::uint64_t number);
  static void apply(const NameChange& change);
  void unlink(const InodePtr& inode);  // a name of it went

  bool has_room(const Inode& file, std::uint64_t block) const;
  void use(const BlockPtr& block);
  void release(const BlockPtr& block);
  void use_all(const Inode& file);
  void release_all(const Inode& file);
  static std::uint64_t reserved_holes(const Inode& file);

  InodePtr root_;
  std::uint64_t next_inode_ = 2;
  std::map<std::uint64_t, NameChange> pending_;
  std::uint64_t next_change_ = 0;
  std::unordered_map<const Block*, std::uint64_t> users_;  // of blocks in files that have a name or are open
  std::uint64_t reserved_holes_ = 0;                       // blocks taken by reservations alone
};

}  // namespace io::mem
