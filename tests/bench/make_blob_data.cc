// make_blob_data FOLDER --blobs N: FOLDER/Data.fs and FOLDER/blobs (bushy) with N blobs of some hundred
// bytes, ten to a transaction. The same call with a larger N gives a file that begins with the bytes of the
// smaller one, and adds the blob files that are not there.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "filestorage/blob_layout.h"
#include "support/file_builder.h"

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kRoot =
    "\x80\x03"
    "cpersistent.mapping\nPersistentMapping\nq\x01.\x80\x03}q\x02.";
constexpr std::string_view kBlob =
    "\x80\x03"
    "cZODB.blob\nBlob\nq\x01.\x80\x03N.";
constexpr base::Tid kFirstTid = 0x0398f82b40865944;
constexpr base::Oid kBlobsPerTransaction = 10;

void make_blob(const std::string& folder, const filestorage::BlobKey& key) {
  const std::filesystem::path path =
      folder + "/" + filestorage::blob_path(filestorage::BlobLayout::bushy, key);
  if (std::filesystem::exists(path)) return;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << std::string(100 + key.oid % 400, static_cast<char>('a' + key.oid % 26));
}

void make(const std::string& folder, base::Oid blobs) {
  std::filesystem::create_directories(folder + "/blobs/tmp");
  std::ofstream(folder + "/blobs/.layout") << "bushy";
  std::ofstream out(folder + "/Data.fs", std::ios::binary);
  support::FileBuilder builder([&out](std::string_view piece) { out << piece; });
  base::Tid tid = kFirstTid;
  builder.begin(tid);
  builder.record(0, kRoot);
  builder.finish();
  for (base::Oid oid = 1; oid <= blobs;) {
    builder.begin(++tid);
    for (base::Oid i = 0; i < kBlobsPerTransaction && oid <= blobs; ++i, ++oid) {
      builder.record(oid, kBlob);
      make_blob(folder + "/blobs", {tid, oid});
    }
    builder.finish();
  }
  out.close();
  if (!out) throw std::runtime_error("cannot write " + folder);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4 || argv[2] != "--blobs"sv) throw std::runtime_error("usage: make_blob_data FOLDER --blobs N");
  make(argv[1], std::strtoull(argv[3], nullptr, 10));
} catch (const std::exception& error) {
  std::fprintf(stderr, "make_blob_data: %s\n", error.what());
  return 1;
}
