#include "filestorage/check_blobs.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "filestorage/blob_layout.h"
#include "filestorage/blob_record.h"
#include "filestorage/record_walk.h"

namespace filestorage {

namespace {

constexpr std::size_t kBushyFolders = 8;

struct Revision {
  BlobKey key;
  std::uint64_t position = 0;
};

std::vector<Revision> blob_records(io::File& data, const ScanResult& structure,
                                   const io::OnProgress& progress) {
  std::vector<Revision> found;
  ForwardReader in(data, structure.end);
  std::uint64_t reported = 0;
  walk_records(
      in, kMagicSize, structure.breaks,
      [&](std::uint64_t position) {
        if (progress && position - reported >= (8 << 20)) progress(reported = position);
        return false;
      },
      [&](const WalkedRecord& record) {
        bool is_blob = false;
        if (record.header.data == 0) {
          is_blob = record.back != 0 && is_blob_record(data, record.position, record.header);
        } else {
          const auto length = std::min<std::uint64_t>(record.header.data, kBlobClassBytes);
          is_blob = is_blob_class(in.bytes(record.data_at(), length));
        }
        if (is_blob) found.push_back({{record.header.tid, record.header.oid}, record.position});
      });
  const auto by_key = [](const Revision& a, const Revision& b) { return a.key < b.key; };
  std::stable_sort(found.begin(), found.end(), by_key);
  // An object stored twice in one transaction has one file.
  const auto same = [](const Revision& a, const Revision& b) { return a.key == b.key; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

// Goes over the files.
class Folder {
 public:
  Folder(const std::vector<Revision>& records, const OnProblem& told)
      : records_(records), seen_(records.size()), told_(told) {}

  void walk(io::Dir& blobs, BlobLayout layout) {
    for (const std::string& name : blobs.list()) {
      if (name == kBlobTmpName || name.starts_with('.')) continue;
      if (layout == BlobLayout::bushy) {
        const auto byte = parse_bushy_folder(name);
        if (byte) enter(blobs, name, name, *byte, 1);
        if (!byte) strange(name, "the name is none that a blob's folder has");
      } else {
        const auto oid = parse_lawn_folder(name);
        if (oid) enter(blobs, name, name, *oid, kBushyFolders);
        if (!oid) strange(name, "the name is none that a blob's folder has");
      }
    }
    for (std::size_t i = 0; i < records_.size(); ++i) {
      if (!seen_[i]) tell_missing(records_[i], layout);
    }
  }

 private:
  void enter(io::Dir& parent, const std::string& name, const std::string& path, Oid oid, std::size_t depth) {
    const auto status = parent.status(name);
    if (!status) return;  // gone meanwhile
    if (status->type != io::FileType::directory) return strange(path, "it is no folder");
    const auto folder = parent.open_dir(name);
    for (const std::string& inner : folder->list()) {
      const std::string inner_path = path + "/" + inner;
      if (depth == kBushyFolders) {
        file(*folder, inner, inner_path, oid);
      } else if (const auto byte = parse_bushy_folder(inner)) {
        enter(*folder, inner, inner_path, oid << 8 | *byte, depth + 1);
      } else {
        strange(inner_path, "the name is none that a blob's folder has");
      }
    }
  }

  void file(io::Dir& folder, const std::string& name, const std::string& path, Oid oid) {
    if (name.ends_with(".spb") || name.ends_with(".tmp")) return;  // being written
    const auto tid = parse_blob_file_name(name);
    if (!tid) return strange(path, "the name is none that a blob's file has");
    const auto status = folder.status(name);
    if (!status) return;
    if (status->type != io::FileType::regular) return strange(path, "it is no plain file");
    const BlobKey key{*tid, oid};
    const auto at = std::lower_bound(records_.begin(), records_.end(), key,
                                     [](const Revision& record, const BlobKey& k) { return record.key < k; });
    if (at != records_.end() && at->key == key) {
      seen_[static_cast<std::size_t>(at - records_.begin())] = true;
      return;
    }
    Problem problem;
    problem.kind = ProblemKind::blob_extra;
    problem.tid = *tid;
    problem.has_oid = true;
    problem.oid = oid;
    problem.text = "no record belongs to the blob file " + base::quoted(path);
    told_(problem);
  }

  void tell_missing(const Revision& record, BlobLayout layout) {
    Problem problem;
    problem.kind = ProblemKind::blob_missing;
    problem.position = record.position;
    problem.tid = record.key.tid;
    problem.has_oid = true;
    problem.oid = record.key.oid;
    problem.class_name = "ZODB.blob.Blob";
    problem.text = "the blob file " + base::quoted(blob_path(layout, record.key)) + " is missing";
    told_(problem);
  }

  void strange(const std::string& path, const std::string& why) {
    Problem problem;
    problem.kind = ProblemKind::blob_name;
    problem.text = base::quoted(path) + " in the blob folder: " + why;
    told_(problem);
  }

  const std::vector<Revision>& records_;
  std::vector<bool> seen_;
  const OnProblem& told_;
};

}  // namespace

std::uint64_t check_blobs(io::File& data, const ScanResult& structure, io::Dir& blobs, const OnProblem& told,
                          const io::OnProgress& progress) {
  const std::vector<Revision> records = blob_records(data, structure, progress);
  BlobLayout layout = BlobLayout::bushy;
  try {
    layout = blob_layout(blobs);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;
    Problem problem;
    problem.kind = ProblemKind::blob_name;
    problem.text = error.what();
    told(problem);
    return records.size();
  }
  Folder(records, told).walk(blobs, layout);
  return records.size();
}

}  // namespace filestorage
