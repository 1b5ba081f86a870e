#include "filestorage/pack_graph.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "base/error.h"
#include "base/parallel.h"
#include "filestorage/pack_walk.h"
#include "pickle/scanner.h"

namespace filestorage {

namespace {

void put_varint(std::vector<std::byte>& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<std::byte>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<std::byte>(value));
}
// `value` is a difference, modulo 2^64.
std::uint64_t zigzag(std::uint64_t value) {
  return value << 1 ^ (~(value >> 63) + 1);
}

}  // namespace

void NodeStore::Writer::encode(Oid oid, std::uint64_t position, std::uint64_t size,
                               std::span<const Oid> references, bool unreadable) {
  scratch_.clear();
  put_varint(scratch_, std::uint64_t{references.size()} << 1 | (unreadable ? 1 : 0));
  put_varint(scratch_, position - base_);
  put_varint(scratch_, size);
  put_varint(scratch_, zigzag(oid - last_oid_));
  Oid before = oid;
  for (const Oid target : references) {
    put_varint(scratch_, zigzag(target - before));
    before = target;
  }
}

NodeStore::Address NodeStore::Writer::add(Oid oid, std::uint64_t position, std::uint64_t size,
                                          std::span<const Oid> references, bool unreadable) {
  encode(oid, position, size, references, unreadable);
  if (capacity_ - used_ < scratch_.size() || used_ >= kBlockSize) {
    base_ = position;
    last_oid_ = 0;
    encode(oid, position, size, references, unreadable);
    end_block();
    block_ = store_.add_block(scratch_.size(), base_, begin_);
    capacity_ = std::max(kBlockSize, scratch_.size());
    used_ = 0;
  }
  const Address address = block_ << kBlockBits | used_;
  std::copy(scratch_.begin(), scratch_.end(), begin_ + used_);
  used_ += scratch_.size();
  last_oid_ = oid;
  return address;
}

void NodeStore::Writer::end_block() {
  if (begin_ != nullptr) store_.set_used(block_, used_);
}

std::uint64_t NodeStore::add_block(std::size_t size, std::uint64_t base, std::byte*& begin) {
  Block block;
  block.capacity = std::max(kBlockSize, size);
  block.bytes = std::make_unique_for_overwrite<std::byte[]>(block.capacity);
  block.base = base;
  begin = block.bytes.get();
  const std::lock_guard<std::mutex> lock(*mutex_);
  blocks_.push_back(std::move(block));
  return blocks_.size() - 1;
}

void NodeStore::set_used(std::uint64_t block, std::size_t used) {
  const std::lock_guard<std::mutex> lock(*mutex_);
  blocks_[static_cast<std::size_t>(block)].used = used;
}

Node NodeStore::at(Address address) const {
  const Block& block = blocks_[static_cast<std::size_t>(address >> kBlockBits)];
  const std::byte* at = block.bytes.get() + address % kBlockSize;
  Node node;
  const std::uint64_t head = get_varint(at);
  node.references = head >> 1;
  node.unreadable = (head & 1) != 0;
  node.position = block.base + get_varint(at);
  node.size = get_varint(at);
  get_varint(at);
  node.rest = at;
  return node;
}

std::uint64_t NodeStore::memory_bytes() const {
  std::uint64_t bytes = blocks_.capacity() * sizeof(Block);
  for (const Block& block : blocks_) bytes += block.capacity;
  return bytes;
}

namespace {

// One thread's share of gather_references.
class Gatherer {
 public:
  Gatherer(io::File& file, Graph& graph) : file_(file), graph_(graph), writer_(graph.nodes) {}

  void take(const FilePart& part) {
    in_.emplace(file_, part.to);
    far_.emplace(file_, part.to);
    Tid last_tid = 0;
    walk_transactions(*in_, part.from, last_tid, *this);
  }

  bool transaction(std::uint64_t, const TransactionHeader&) { return true; }
  void end(std::uint64_t, const TransactionHeader&) {}
  void record(const PackRecord& record) {
    if (graph_.objects.get(record.header.oid) != record.position) return;
    const DataPlace place = data_of(*far_, record);
    std::span<const Oid> references;
    bool unreadable = false;
    if (place.length != 0) {
      const base::ByteSpan data =
          (record.header.data != 0 ? *in_ : *far_).bytes(place.position, place.length);
      if (data.empty()) throw_damaged(file_, place.position, "the data is cut short");
      try {
        references = scanner_.strong(data);
      } catch (const base::Error&) {
        unreadable = true;  // which matters if the object is reached
      }
    }
    const std::uint64_t size = kRecordHeaderSize + (place.length != 0 ? place.length : kBackPointerSize);
    const auto address = writer_.add(record.header.oid, record.position, size, references, unreadable);
    graph_.objects.replace(record.header.oid, kNodeMark | address);
  }

 private:
  io::File& file_;
  Graph& graph_;
  NodeStore::Writer writer_;
  std::optional<ForwardReader> in_;
  std::optional<FarReader> far_;
  pickle::Scanner scanner_;
};

}  // namespace

void gather_references(io::File& file, const std::vector<FilePart>& parts, unsigned threads, Graph& graph,
                       const io::OnProgress& progress) {
  std::atomic<std::uint64_t> done{0};
  const std::thread::id caller = std::this_thread::get_id();
  base::run_jobs(parts.size(), threads, [&](const base::NextJob& next) {
    Gatherer gatherer(file, graph);
    for (std::uint64_t i = next(); i < parts.size(); i = next()) {
      const FilePart& part = parts[static_cast<std::size_t>(i)];
      gatherer.take(part);
      done += part.to - part.from;
      if (progress && std::this_thread::get_id() == caller) progress(done);
    }
  });
}

namespace {

// Depth first, with a ring between finding an oid and looking at its node, so that the memory both stand in
// has been asked for long before. The stack is bounded: what does not fit waits in a set of bits.
class Reacher {
 public:
  Reacher(io::File& file, const Graph& graph, Faults faults, Reached& reached)
      : file_(file), graph_(graph), faults_(faults), reached_(reached) {}

  void run(std::span<const Oid> roots) {
    for (const Oid root : roots) push(root);
    drain();
    while (!waiting_.empty()) {
      OidBits batch;
      std::swap(batch, waiting_);
      batch.for_each([this](Oid oid) {
        stack_.push_back(oid);
        if (stack_.size() >= kStack / 2) drain();
      });
      drain();
    }
  }

 private:
  static constexpr std::size_t kStack = 1 << 20;
  static constexpr std::size_t kAhead = 16;

  void push(Oid oid) {
    if (!reached_.oids.insert(oid)) return;
    if (stack_.size() < kStack) {
      stack_.push_back(oid);
    } else {
      waiting_.insert(oid);
    }
  }

  void drain() {
    // Two stages: first the index entry is asked for, then the node.
    std::array<Oid, kAhead> oids{};
    std::array<std::uint64_t, kAhead> entries{};
    std::size_t first = 0, looked_up = 0, last = 0;  // counts; places are modulo kAhead
    for (;;) {
      while (last - first < kAhead && !stack_.empty()) {
        oids[last++ % kAhead] = stack_.back();
        graph_.objects.prefetch(stack_.back());
        stack_.pop_back();
      }
      if (first == last) return;
      for (; looked_up < last && (looked_up < first + kAhead / 2 || stack_.empty()); ++looked_up) {
        const std::uint64_t entry = graph_.objects.get(oids[looked_up % kAhead]);
        entries[looked_up % kAhead] = entry;
        if (is_node(entry)) graph_.nodes.prefetch(entry & ~kNodeMark);
      }
      const std::size_t place = first++ % kAhead;
      take(oids[place], entries[place]);
    }
  }

  void take(Oid oid, std::uint64_t entry) {
    if (!is_node(entry)) {
      // Before the first transaction there is not even a root.
      const bool none_yet = oid == 0 && graph_.objects.size() == 0;
      reached_.absent.insert(oid);
      if (faults_ == Faults::matter && !none_yet) reached_.dangling.insert(oid);
      return;
    }
    const Node node = graph_.nodes.at(entry & ~kNodeMark);
    if (node.unreadable && faults_ == Faults::matter) {
      throw_damaged(file_, node.position, "the pickles of object 0x" + base::to_hex(oid) + " cannot be read");
    }
    reached_.bytes += node.size;
    node.for_each_reference(oid, [this](Oid target) { push(target); });
  }

  io::File& file_;
  const Graph& graph_;
  Faults faults_;
  Reached& reached_;
  std::vector<Oid> stack_;
  OidBits waiting_;
};

}  // namespace

void reach(io::File& file, const Graph& graph, std::span<const Oid> roots, Faults faults, Reached& reached) {
  Reacher(file, graph, faults, reached).run(roots);
}

std::vector<DanglingReference> find_dangling(const Graph& graph, const Reached& reached, std::size_t limit) {
  std::vector<DanglingReference> found;
  OidBits told;
  graph.nodes.for_each([&](Oid oid, const Node& node) {
    if (found.size() >= limit || !reached.oids.contains(oid)) return;
    node.for_each_reference(oid, [&](Oid target) {
      if (found.size() < limit && reached.dangling.contains(target) && told.insert(target)) {
        found.push_back({target, oid});
      }
    });
  });
  return found;
}

}  // namespace filestorage
