#include "repozo/sums_file.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace repozo {

namespace {

constexpr std::string_view kMagic = "RZSUMS1\n";
constexpr std::size_t kNameSize = 32, kMd5Size = 16, kHeaderSize = 112;

Sum canonical(XXH128_hash_t hash) {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  Sum sum;
  std::memcpy(sum.data(), &bytes, sum.size());
  return sum;
}

void append(std::string& text, base::ByteSpan bytes) {
  text += base::as_text(bytes);
}

void append_number(std::string& text, std::uint64_t number) {
  std::array<std::byte, 8> bytes;
  base::store_be(bytes.data(), number);
  append(text, bytes);
}

// One sum of bytes that come in pieces.
class Summer {
 public:
  Summer() : raw_(XXH3_createState()) {
    if (!raw_) throw std::bad_alloc();
    reset();
  }
  void reset() { XXH3_128bits_reset(raw_.get()); }
  void update(base::ByteSpan bytes) { XXH3_128bits_update(raw_.get(), bytes.data(), bytes.size()); }
  Sum sum() const { return canonical(XXH3_128bits_digest(raw_.get())); }

 private:
  struct Free {
    void operator()(XXH3_state_t* raw) const { XXH3_freeState(raw); }
  };
  std::unique_ptr<XXH3_state_t, Free> raw_;
};

int hex_digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes += static_cast<char>(hex_digit(hex[at]) * 16 + hex_digit(hex[at + 1]));
  }
  return bytes;
}

// Fields one behind the other; the caller has checked that they are there.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  std::string_view text(std::size_t length) {
    const std::string_view found = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return found;
  }
  std::uint64_t number() { return base::load_be<std::uint64_t>(base::as_bytes(text(8)).data()); }
  Sum sum() {
    Sum found;
    std::memcpy(found.data(), text(found.size()).data(), found.size());
    return found;
  }

 private:
  std::string_view rest_;
};

}  // namespace

Sum sum_of(base::ByteSpan bytes) {
  return canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

struct BlockSummer::State {
  Summer block;
};

BlockSummer::BlockSummer() : state_(std::make_unique<State>()) {}
BlockSummer::~BlockSummer() = default;

void BlockSummer::update(base::ByteSpan bytes) {
  while (!bytes.empty()) {
    if (filled_ == 0 && bytes.size() >= kSumBlock) {
      sums_.push_back(sum_of(bytes.first(kSumBlock)));
      bytes = bytes.subspan(kSumBlock);
      continue;
    }
    if (filled_ == 0) state_->block.reset();
    const std::size_t part = std::min(bytes.size(), kSumBlock - filled_);
    state_->block.update(bytes.first(part));
    filled_ += part;
    bytes = bytes.subspan(part);
    if (filled_ < kSumBlock) return;
    sums_.push_back(state_->block.sum());
    filled_ = 0;
  }
}

std::vector<Sum> BlockSummer::finish() {
  if (filled_ > 0) sums_.push_back(state_->block.sum());
  filled_ = 0;
  return std::move(sums_);
}

Sum sum_of_file(io::File& file, std::uint64_t& size) {
  constexpr std::size_t piece = 256 * 1024;
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(piece);
  Summer summer;
  size = 0;
  for (;;) {
    const std::size_t got = file.read_full(size, {buffer.get(), piece});
    summer.update({buffer.get(), got});
    size += got;
    if (got < piece) return summer.sum();
  }
}

bool is_index_of(const Sums& sums, io::File& index) {
  std::uint64_t size = 0;
  return index.status().size == sums.index_size && sum_of_file(index, size) == sums.index_sum &&
         size == sums.index_size;
}

std::string encode_sums(const Sums& sums) {
  std::string text(kMagic);
  std::string name = sums.name.file();
  name.resize(kNameSize, '\0');
  text += name;
  append_number(text, sums.start);
  append_number(text, sums.end);
  text += from_hex(sums.md5);
  append_number(text, sums.stored);
  append_number(text, sums.index_size);
  append(text, sums.index_sum);
  append_number(text, kSumBlock);
  for (const Sum& block : sums.blocks) append(text, block);
  append(text, sum_of(base::as_bytes(text)));
  return text;
}

std::optional<Sums> decode_sums(std::string_view bytes) {
  constexpr std::size_t sum_size = sizeof(Sum);
  if (bytes.size() < kHeaderSize + sum_size || (bytes.size() - kHeaderSize) % sum_size != 0)
    return std::nullopt;
  const std::string_view covered = bytes.substr(0, bytes.size() - sum_size);
  if (sum_of(base::as_bytes(covered)) != Fields(bytes.substr(covered.size())).sum()) return std::nullopt;
  Fields fields(covered);
  if (fields.text(kMagic.size()) != kMagic) return std::nullopt;
  const std::string_view padded = fields.text(kNameSize);
  const auto name = parse_name(padded.substr(0, padded.find('\0')));
  if (!name) return std::nullopt;
  Sums sums;
  sums.name = *name;
  sums.start = fields.number();
  sums.end = fields.number();
  sums.md5 = base::to_hex(base::as_bytes(fields.text(kMd5Size)));
  sums.stored = fields.number();
  sums.index_size = fields.number();
  sums.index_sum = fields.sum();
  const std::uint64_t block = fields.number();
  const std::uint64_t count = (covered.size() - kHeaderSize) / sum_size;
  if (block != kSumBlock || sums.end < sums.start) return std::nullopt;
  if (sums.size() / kSumBlock + (sums.size() % kSumBlock != 0 ? 1 : 0) != count) return std::nullopt;
  sums.blocks.reserve(count);
  for (std::uint64_t done = 0; done < count; ++done) sums.blocks.push_back(fields.sum());
  return sums;
}

}  // namespace repozo
