#include "support/fixture.h"

#include <lzma.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <stdexcept>

#include "base/bytes.h"

namespace support {

namespace {

namespace fs = std::filesystem;

std::string read_plain(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("no test data " + path.string());
  std::string content(static_cast<std::size_t>(fs::file_size(path)), '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  return content;
}

std::string unpack_xz(const std::string& packed) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (lzma_stream_decoder(&stream, UINT64_MAX, 0) != LZMA_OK) throw std::runtime_error("lzma_stream_decoder");
  stream.next_in = reinterpret_cast<const std::uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string result;
  lzma_ret status = LZMA_OK;
  while (status == LZMA_OK) {
    std::array<std::uint8_t, 65536> buffer;
    stream.next_out = buffer.data();
    stream.avail_out = buffer.size();
    status = lzma_code(&stream, LZMA_FINISH);
    result.append(reinterpret_cast<const char*>(buffer.data()), buffer.size() - stream.avail_out);
  }
  lzma_end(&stream);
  if (status != LZMA_STREAM_END) throw std::runtime_error("damaged .xz test data");
  return result;
}

}  // namespace

std::string read_fixture(const std::string& name) {
  const fs::path path = fs::path(TEST_DATA_DIR) / name;
  if (path.extension() == ".xz") return unpack_xz(read_plain(path));
  if (fs::exists(path)) return read_plain(path);
  return unpack_xz(read_plain(path.string() + ".xz"));
}

nlohmann::json read_expected(const std::string& folder) {
  return nlohmann::json::parse(read_fixture(folder + "/expected.json"));
}

std::vector<std::string> fixture_folders(const std::string& parent) {
  std::vector<std::string> result;
  for (const auto& entry : fs::directory_iterator(fs::path(TEST_DATA_DIR) / parent)) {
    if (entry.is_directory()) result.push_back(parent + "/" + entry.path().filename().string());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string md5_hex(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_md5(), nullptr) != 1) {
    throw std::runtime_error("EVP_Digest");
  }
  return base::to_hex(std::as_bytes(std::span(digest)).first(size));
}

}  // namespace support
