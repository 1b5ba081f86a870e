#include "support/blob_scene.h"

#include <functional>

#include "support/scene.h"

namespace support {

using filestorage::BlobKey;
using namespace std::string_view_literals;

namespace {

constexpr base::Oid kFirstBlob = 0x100;  // below are ordinary objects
constexpr std::string_view kBlobData =
    "\x80\x03"
    "cZODB.blob\nBlob\nq\0.\x80\x03N."sv;

bool is_blob(base::Oid oid) {
  return oid >= kFirstBlob;
}

}  // namespace

BlobSchool::BlobSchool(filestorage::BlobLayout layout)
    : layout_(layout),
      builder_(std::make_unique<FileBuilder>([this](std::string_view part) { bytes_ += part; })),
      tid_(base::tid_of({1750000000, 0})) {
  write(++tid_, {0}, ' ');
}

std::string BlobSchool::content_of(const BlobKey& key) {
  const std::string content =
      "blob " + base::to_hex(key.oid) + " of " + base::to_hex(key.tid) + std::string(key.oid % 7 * 100, '.');
  return key.oid % 5 == 4 ? "" : content;
}

void BlobSchool::write(base::Tid tid, const std::vector<base::Oid>& oids, char status) {
  builder_->begin(tid, "user", "description");
  for (const base::Oid oid : oids) {
    const std::string data = "cpersistent\nThing\n.state " + base::to_hex(tid) + std::string(oid % 50, '.');
    builder_->record(oid, is_blob(oid) ? kBlobData : std::string_view(data));
    newest_[oid] = tid;
    if (is_blob(oid)) blobs_[filestorage::blob_path(layout_, {tid, oid})] = content_of({tid, oid});
  }
  builder_->finish(status);
}

void BlobSchool::commit(const std::vector<base::Oid>& blobs) {
  tid_ += 0x100000000;  // a minute
  const auto count = static_cast<base::Oid>(newest_.size());
  std::vector<base::Oid> oids = {count % 11, 20 + count % 40};
  for (const base::Oid blob : blobs) oids.push_back(kFirstBlob + blob);
  write(tid_, oids, ' ');
}

void BlobSchool::pack() {
  std::map<base::Tid, std::vector<base::Oid>> by_tid;
  for (const auto& [oid, tid] : newest_) by_tid[tid].push_back(oid);
  bytes_.clear();
  blobs_.clear();
  newest_.clear();
  builder_ = std::make_unique<FileBuilder>([this](std::string_view part) { bytes_ += part; });
  for (const auto& [tid, oids] : by_tid) write(tid, oids, 'p');
}

void BlobSchool::put_blobs(io::MemEnv& mem) const {
  const std::string root = std::string(kBlobDir) + "/";
  mem.put_file(root + filestorage::kBlobLayoutName, to_string(layout_), kSchoolOwner, 0644);
  for (const auto& [path, content] : blobs_) {
    for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      if (!mem.status(root + path.substr(0, slash)))
        mem.put_dir(root + path.substr(0, slash), kSchoolOwner, 0700);
    }
    if (mem.content(root + path) != content) mem.put_file(root + path, content, kSchoolOwner, 0400);
  }
}

void BlobSchool::put(io::MemEnv& mem) const {
  if (!mem.status(kDataDir)) mem.put_dir(kDataDir, kSchoolOwner, 0750);
  if (!mem.status(kBlobDir)) mem.put_dir(kBlobDir, kSchoolOwner, 0700);
  mem.put_file(in_data("Data.fs"), bytes_, kSchoolOwner, kSchoolMode);
  put_blobs(mem);
}

upgrade::Instance blob_instance() {
  upgrade::Instance instance = school_instance();
  instance.blob_dir = kBlobDir;
  return instance;
}

std::map<std::string, std::string> blobs_in(const io::MemEnv& mem, const std::string& root) {
  std::map<std::string, std::string> found;
  const std::function<void(const std::string&)> walk = [&](const std::string& folder) {
    for (const std::string& name : mem.list(root + folder)) {
      const std::string path = folder + "/" + name;
      const auto status = mem.status(root + path);
      if (status && status->type == io::FileType::directory) {
        walk(path);
      } else if (name != filestorage::kBlobLayoutName) {
        found[path.substr(1)] = mem.content(root + path).value_or("?");
      }
    }
  };
  if (mem.status(root)) walk("");
  return found;
}

}  // namespace support
