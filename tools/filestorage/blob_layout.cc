#include "filestorage/blob_layout.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/text.h"
#include "io/atomic_file.h"

namespace filestorage {

namespace {

constexpr std::size_t kMarkerLimit = 64;
constexpr std::string_view kSuffix = ".blob";

// "0x" and an even number of digits, at least two, none leading but one.
std::string even_hex(std::uint64_t number) {
  std::string digits = base::to_hex(number);
  while (digits.size() > 2 && digits.starts_with("00")) digits.erase(0, 2);
  return "0x" + digits;
}

std::optional<std::uint64_t> parse_even_hex(std::string_view text) {
  if (text.size() < 4 || text.size() > 18 || !text.starts_with("0x")) return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), number, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (even_hex(number) != text) return std::nullopt;
  return number;
}

}  // namespace

const char* to_string(BlobLayout layout) {
  return layout == BlobLayout::bushy ? "bushy" : "lawn";
}

BlobLayout blob_layout(io::Dir& blobs) {
  if (blobs.status(kBlobLayoutName)) {
    const std::string text = io::read_small_file(blobs, kBlobLayoutName, kMarkerLimit);
    const std::string_view word = base::trimmed(text);
    if (word == "bushy") return BlobLayout::bushy;
    if (word == "lawn") return BlobLayout::lawn;
    throw base::Error(base::ErrorKind::corrupt, "read", blobs.path() + "/" + kBlobLayoutName,
                      "names a layout that is not known: " + base::quoted(word));
  }
  const auto names = blobs.list();
  const bool empty =
      std::all_of(names.begin(), names.end(), [](const std::string& name) { return name.starts_with('.'); });
  return empty ? BlobLayout::bushy : BlobLayout::lawn;
}

std::vector<std::string> blob_folders(BlobLayout layout, Oid oid) {
  if (layout == BlobLayout::lawn) return {even_hex(oid)};
  const std::string digits = base::to_hex(oid);
  std::vector<std::string> folders;
  folders.reserve(8);
  for (std::size_t at = 0; at < digits.size(); at += 2) folders.push_back("0x" + digits.substr(at, 2));
  return folders;
}

std::string blob_file_name(Tid tid) {
  return even_hex(tid) + std::string(kSuffix);
}

std::string blob_path(BlobLayout layout, const BlobKey& key) {
  std::string path;
  for (const std::string& folder : blob_folders(layout, key.oid)) path += folder + "/";
  return path + blob_file_name(key.tid);
}

std::optional<std::uint8_t> parse_bushy_folder(std::string_view name) {
  const auto number = name.size() == 4 ? parse_even_hex(name) : std::nullopt;
  if (!number) return std::nullopt;
  return static_cast<std::uint8_t>(*number);
}

std::optional<Oid> parse_lawn_folder(std::string_view name) {
  return parse_even_hex(name);
}

std::optional<Tid> parse_blob_file_name(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  return parse_even_hex(name.substr(0, name.size() - kSuffix.size()));
}

std::optional<BlobKey> parse_blob_path(BlobLayout layout, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto tid = parse_blob_file_name(path.substr(slash + 1));
  const std::string_view folders = path.substr(0, slash);
  if (!tid) return std::nullopt;
  if (layout == BlobLayout::lawn) {
    const auto oid = parse_lawn_folder(folders);
    return oid ? std::optional(BlobKey{*tid, *oid}) : std::nullopt;
  }
  Oid oid = 0;
  const auto names = base::split(folders, '/');
  if (names.size() != 8) return std::nullopt;
  for (const std::string& name : names) {
    const auto byte = parse_bushy_folder(name);
    if (!byte) return std::nullopt;
    oid = oid << 8 | *byte;
  }
  return BlobKey{*tid, oid};
}

}  // namespace filestorage
