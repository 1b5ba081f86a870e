// Which objects refer to which, for millions of them in little memory: each object's current record becomes a
// node of a few bytes, and the marking of what can be reached goes over the nodes alone.
//
// A node, all numbers as varints (7 bits a byte, low ones first):
//   references * 2, + 1 if the record's pickles cannot be read (then without references)
//   position of the record, less that of the first node in its block
//   bytes that the record takes up in a packed file
//   oid, less that of the node before it in the block (zigzag)
//   the references: each less the one before it, the first less the oid (zigzag)
// Nodes of one thread stand in file order in blocks of 32 KB. About 7 bytes and 2 to 3 for each reference.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "filestorage/format.h"
#include "filestorage/index.h"
#include "filestorage/oid_bits.h"
#include "io/copy.h"
#include "io/env.h"

namespace filestorage {

// A node as it is read; the references are decoded one by one.
struct Node {
  std::uint64_t position = 0;  // file offset of the record
  std::uint64_t size = 0;      // in a packed file, in bytes
  std::uint64_t references = 0;
  bool unreadable = false;
  const std::byte* rest = nullptr;  // the encoded references

  // Calls visit(oid) for each reference. `oid` is the node's own.
  template <typename Visit>
  void for_each_reference(Oid oid, Visit visit) const;
};

class NodeStore {
 public:
  using Address = std::uint64_t;  // below 2^62

  // Appends the nodes of one thread. Positions must rise.
  class Writer {
   public:
    explicit Writer(NodeStore& store) : store_(store) {}
    ~Writer() { end_block(); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    Address add(Oid oid, std::uint64_t position, std::uint64_t size, std::span<const Oid> references,
                bool unreadable);

   private:
    void encode(Oid oid, std::uint64_t position, std::uint64_t size, std::span<const Oid> references,
                bool unreadable);
    void end_block();
    NodeStore& store_;
    std::uint64_t block_ = 0;
    std::byte* begin_ = nullptr;
    std::size_t used_ = 0, capacity_ = 0;
    std::uint64_t base_ = 0;  // position of the block's first node
    Oid last_oid_ = 0;
    std::vector<std::byte> scratch_;
  };

  Node at(Address address) const;
  void prefetch(Address address) const {
    __builtin_prefetch(blocks_[static_cast<std::size_t>(address >> kBlockBits)].bytes.get() +
                       address % kBlockSize);
  }
  // Every node; those of one thread in file order.
  template <typename Visit>
  void for_each(Visit visit) const;
  std::uint64_t memory_bytes() const;
  void clear() { std::vector<Block>().swap(blocks_); }

 private:
  static constexpr unsigned kBlockBits = 15;
  static constexpr std::size_t kBlockSize = std::size_t{1} << kBlockBits;
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t used = 0;  // known when its writer has gone on
    std::size_t capacity = 0;
    std::uint64_t base = 0;
  };
  // A new block of at least `size` bytes. From any thread.
  std::uint64_t add_block(std::size_t size, std::uint64_t base, std::byte*& begin);
  void set_used(std::uint64_t block, std::size_t used);

  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  std::vector<Block> blocks_;
};

// In the index of a graph: the value of an oid whose node is at `address`. Never the offset of a record.
inline constexpr std::uint64_t kNodeMark = std::uint64_t{1} << 63;
inline bool is_node(std::uint64_t value) {
  return (value & kNodeMark) != 0;
}

// A part of a file that begins and ends between transactions.
struct FilePart {
  std::uint64_t from = 0, to = 0;
};

struct Graph {
  Index objects;  // oid -> offset of its current record, and later kNodeMark | address
  NodeStore nodes;

  // The oid's node; empty if it has none.
  std::optional<Node> node(Oid oid) const {
    const std::uint64_t entry = objects.get(oid);
    if (!is_node(entry)) return std::nullopt;
    return nodes.at(entry & ~kNodeMark);
  }
};

// Fills the graph: each record of `parts` that is the one `graph.objects` names by its offset becomes a node,
// and the index then names the node. Data is found through back pointers. `threads` work on different parts
// at a time. `progress` is called from the calling thread with the bytes done. Error(corrupt) for damage as
// in pack_walk.h, but for a pickle that cannot be read: that is noted in its node.
void gather_references(io::File& file, const std::vector<FilePart>& parts, unsigned threads, Graph& graph,
                       const io::OnProgress& progress);

// A reference to an object that does not exist.
struct DanglingReference {
  Oid target = 0;
  Oid holder = 0;  // one of those that refer to it
};

// What can be reached, grown by reach().
struct Reached {
  OidBits oids;
  std::uint64_t bytes = 0;  // that their records take up in a packed file
  OidBits absent;           // targets that do not exist; they are in `oids` too
  OidBits dangling;         // those of them that matter
};

// What becomes of a reference to nothing: noted in Reached::dangling; and of an object whose pickles cannot
// be read: Error(corrupt). Or both are passed over.
enum class Faults { matter, ignored };

// Adds everything that can be reached from `roots` over the graph and is not in `reached.oids` yet. `file` is
// for messages.
void reach(io::File& file, const Graph& graph, std::span<const Oid> roots, Faults faults, Reached& reached);

// A holder for each of at most `limit` dangling references among the objects reached.
std::vector<DanglingReference> find_dangling(const Graph& graph, const Reached& reached, std::size_t limit);

// ---- implementation

inline std::uint64_t get_varint(const std::byte*& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = std::to_integer<std::uint64_t>(*at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}
inline std::uint64_t unzigzag(std::uint64_t value) {
  return value >> 1 ^ (~(value & 1) + 1);
}

template <typename Visit>
void Node::for_each_reference(Oid oid, Visit visit) const {
  const std::byte* at = rest;
  Oid target = oid;
  for (std::uint64_t i = 0; i < references; ++i) {
    target += unzigzag(get_varint(at));
    visit(target);
  }
}

template <typename Visit>
void NodeStore::for_each(Visit visit) const {
  for (const Block& block : blocks_) {
    const std::byte* at = block.bytes.get();
    const std::byte* end = at + block.used;
    Oid oid = 0;
    while (at < end) {
      Node node;
      const std::uint64_t head = get_varint(at);
      node.references = head >> 1;
      node.unreadable = (head & 1) != 0;
      node.position = block.base + get_varint(at);
      node.size = get_varint(at);
      oid += unzigzag(get_varint(at));
      node.rest = at;
      for (std::uint64_t i = 0; i < node.references; ++i) get_varint(at);
      visit(oid, node);
    }
  }
}

}  // namespace filestorage
