#include "upgrade/blob_folder.h"

#include <memory>

#include "base/error.h"
#include "upgrade/names.h"

namespace upgrade {

using base::Error;
using base::ErrorKind;

namespace {

std::unique_ptr<io::Dir> open_if_there(io::Env& env, const std::string& path) {
  try {
    return env.open_dir(path, io::Links::administrator);
  } catch (const Error& error) {
    // A plain file in its place counts as well: the folder is not there.
    if (error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::unsafe_path) return nullptr;
    throw;
  }
}

std::optional<std::string> find_by_inode(io::Dir& parent, std::uint64_t inode) {
  for (std::string& name : parent.list()) {
    const auto status = parent.status(name);
    if (status && status->type == io::FileType::directory && status->inode == inode) return std::move(name);
  }
  return std::nullopt;
}

std::string free_name(io::Env& env, io::Dir& parent, const std::string& name, const std::string& word) {
  for (base::UtcTime time = env.now();; ++time.seconds) {
    std::string free = displaced_name(name, word, time);
    if (!parent.status(free)) return free;
  }
}

BlobsBack put_back(io::Env& env, const BlobFolder& before, const std::string& word) {
  BlobsBack result;
  result.path = before.path;
  const auto now = open_if_there(env, before.path);
  if (now && now->status().inode == before.inode) return result;
  const std::size_t slash = before.path.rfind('/');
  const std::string name = before.path.substr(slash + 1);
  const auto parent = open_if_there(env, slash == 0 ? "/" : before.path.substr(0, slash));
  const auto found = parent ? find_by_inode(*parent, before.inode) : std::nullopt;
  if (!found) {
    result.what = BlobsBack::What::gone;
    return result;
  }
  if (parent->status(name)) {
    const std::string aside = free_name(env, *parent, name, word);
    parent->rename(name, *parent, aside, io::Replace::no);
    result.displaced_to = parent->path() + "/" + aside;
  }
  parent->rename(*found, *parent, name, io::Replace::no);
  parent->sync();
  result.what = BlobsBack::What::put_back;
  result.from = parent->path() + "/" + *found;
  return result;
}

}  // namespace

std::optional<BlobFolder> find_blob_folder(io::Env& env, const Instance& instance) {
  if (instance.blob_dir.empty()) return std::nullopt;
  try {
    const auto folder = open_if_there(env, instance.blob_dir);
    if (!folder) return std::nullopt;
    return BlobFolder{instance.blob_dir, folder->status().inode};
  } catch (const Error&) {
    return std::nullopt;
  }
}

BlobsBack put_blobs_back(io::Env& env, const BlobFolder& before, const std::string& word) {
  try {
    return put_back(env, before, word);
  } catch (const Error& error) {
    BlobsBack result;
    result.what = BlobsBack::What::failed;
    result.path = before.path;
    result.problem = error.what();
    return result;
  }
}

}  // namespace upgrade
