#include "support/generations.h"

#include <zlib.h>

#include <stdexcept>

#include "support/file_builder.h"

namespace support::rotation {

namespace {

constexpr base::Tid kFirstTid = 0x0398f82b00000000U;
constexpr int kGzip = 15 + 16;  // zlib's window bits, for gzip's format

std::string data_path(const std::string& name) {
  return std::string(kDataDir) + "/" + name;
}

}  // namespace

std::string database(unsigned school, unsigned transactions, std::size_t payload) {
  std::string bytes;
  FileBuilder builder([&](std::string_view piece) { bytes += piece; });
  for (unsigned i = 0; i < transactions; ++i) {
    builder.begin(kFirstTid + (static_cast<base::Tid>(school) << 32U) + i + 1, "admin", "school");
    if (i == 0) builder.record(0, "root of school " + std::to_string(school));
    std::string data = "state " + std::to_string(i) + " of school " + std::to_string(school) + " ";
    while (data.size() < payload) data += static_cast<char>('a' + (data.size() * 7 + school) % 26);
    builder.record(1 + i % 5, data);
    builder.finish();
  }
  return bytes;
}

std::string blank_database() {
  std::string bytes;
  FileBuilder builder([&](std::string_view piece) { bytes += piece; });
  builder.begin(kFirstTid, "", "initial database creation");
  builder.record(0, "an empty root");
  builder.finish();
  return bytes;
}

std::string gzipped(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string result(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

std::string gunzipped(const std::string& compressed) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) throw std::runtime_error("inflateInit2");
  std::string result, buffer(65536, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  int status = Z_OK;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = inflate(&stream, Z_NO_FLUSH);
    result.append(buffer.data(), buffer.size() - stream.avail_out);
    if (status == Z_STREAM_END && stream.avail_in > 0) status = inflateReset(&stream);
  } while (status == Z_OK);
  inflateEnd(&stream);
  return status == Z_STREAM_END ? result : "damaged";
}

upgrade::Instance standard_instance() {
  upgrade::Instance instance;
  instance.name = "standard";
  instance.data_dir = kDataDir;
  instance.data_name = "Data.fs";
  return instance;
}

void put_data_folder(io::MemEnv& mem, const std::map<std::string, std::string>& files) {
  mem.put_dir(kDataDir, kSchooltool, 0750);
  for (const auto& [name, content] : files) mem.put_file(data_path(name), content, kSchooltool, 0640);
}

std::map<std::string, std::string> generations(const io::MemEnv& mem) {
  std::map<std::string, std::string> result;
  for (const upgrade::Generation& one : upgrade::generations_in("Data.fs", mem.list(kDataDir))) {
    const auto stored = mem.content(data_path(upgrade::generation_name("Data.fs", one)));
    if (!stored) continue;
    const std::string content = one.compressed ? gunzipped(*stored) : *stored;
    const auto [entry, added] = result.emplace(std::to_string(one.number), content);
    if (!added && entry->second != content) entry->second = "both differ";
  }
  return result;
}

std::string generation_names(const io::MemEnv& mem) {
  std::string result;
  for (const upgrade::Generation& one : upgrade::generations_in("Data.fs", mem.list(kDataDir))) {
    result += (result.empty() ? "" : " ") + upgrade::generation_name("", one).substr(1);
  }
  return result;
}

}  // namespace support::rotation
