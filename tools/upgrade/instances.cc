#include "upgrade/instances.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/text.h"
#include "upgrade/zconfig.h"

namespace upgrade {
namespace {

// Copies that editors, dpkg and ucf leave beside the live folder.
bool is_leftover(const std::string& name) {
  return name.starts_with('.') || name.ends_with('~') || name.ends_with(".bak") ||
         name.find(".dpkg-") != std::string::npos || name.find(".ucf-") != std::string::npos;
}

[[noreturn]] void refuse(const std::string& file, const std::string& reason) {
  throw base::Error(base::ErrorKind::corrupt, "read configuration", file, reason);
}

// An absolute path without '.' and doubled slashes.
std::string clean_path(const std::string& file, const std::string& key, const std::string& path) {
  if (!path.starts_with('/')) refuse(file, key + " " + base::quoted(path) + " is not an absolute path");
  std::string clean;
  for (const std::string& part : base::split(path, '/')) {
    if (part == "..") refuse(file, key + " " + base::quoted(path) + " has '..' in it");
    if (!part.empty() && part != ".") clean += "/" + part;
  }
  return clean;
}

void set_data(Instance& instance, const std::string& file, const std::string& path) {
  const std::string clean = clean_path(file, "path", path);
  const std::size_t slash = clean.rfind('/');
  if (path.ends_with('/') || slash == std::string::npos || slash == 0)
    refuse(file, "path " + base::quoted(path) + " is not a file in a folder of its own");
  instance.data_dir = clean.substr(0, slash);
  instance.data_name = clean.substr(slash + 1);
  instance.config = file;
}

// "7081" and ":7081" listen on all addresses: one of them is localhost.
std::string server_address(const ZSection& top) {
  const auto servers = top.all("zeo");
  const std::string address = servers.empty() ? "" : servers.front()->value("address");
  const std::string port = address.starts_with(':') ? address.substr(1) : address;
  const bool only_port = !port.empty() && port.find_first_not_of("0123456789") == std::string::npos;
  return only_port ? "localhost:" + port : address;
}

bool holds(const ZSection& section, const ZSection& storage) {
  const auto inside = section.all("filestorage");
  return &section == &storage || std::find(inside.begin(), inside.end(), &storage) != inside.end();
}

// A server calls a storage as its section is called, the outermost one if it is wrapped in others.
std::string storage_name(const ZSection& top, const ZSection& storage) {
  for (const ZSection& section : top.sections)
    if (holds(section, storage)) return section.name;
  return "";
}

// The blob folder that belongs to the one <filestorage>: its own, or that of the <blobstorage> around it.
std::string blob_dir(const ZSection& top, const ZSection& storage) {
  if (const std::string own = storage.value("blob-dir"); !own.empty()) return own;
  for (const ZSection* wrapper : top.all("blobstorage"))
    if (holds(*wrapper, storage)) return wrapper->value("blob-dir");
  return "";
}

bool is_same_path(const std::string& one, const std::string& other) {
  const auto parts = [](const std::string& path) {
    std::vector<std::string> result = base::split(path, '/');
    std::erase_if(result, [](const std::string& part) { return part.empty() || part == "."; });
    return result;
  };
  return parts(one) == parts(other);
}

// The one that `data` in the settings names, or else the only one. Null if there is none.
const ZSection* choose_storage(const ZSection& top, const std::string& file, const std::string& data) {
  const auto storages = top.all("filestorage");
  for (const ZSection* storage : storages)
    if (!data.empty() && is_same_path(storage->value("path"), data)) return storage;
  if (storages.size() > 1) refuse(file, "has more than one <filestorage>");
  return storages.empty() ? nullptr : storages.front();
}

enum class Storage { none, elsewhere, here };

// Fills in what `file` says about the database.
Storage take_storage(Instance& instance, const std::string& file, const ZSection& top) {
  const ZSection* storage = choose_storage(top, file, instance.settings.data);
  if (storage == nullptr) return top.all("zeoclient").empty() ? Storage::none : Storage::elsewhere;
  set_data(instance, file, storage->value("path"));
  if (const std::string blobs = blob_dir(top, *storage); !blobs.empty())
    instance.blob_dir = clean_path(file, "blob-dir", blobs);
  instance.server = server_address(top);
  instance.storage = storage_name(top, *storage);
  return Storage::here;
}

// What the files in the folder `dir` say. False if there is no database here to look after: no configuration
// at all, or one that uses a server elsewhere. Throws Error.
bool read_config(io::Env& env, const std::string& dir, Instance& instance) {
  const auto folder = env.open_dir(dir, io::Links::administrator);
  std::string without;  // the first file that names no storage at all
  for (const std::string name : {"zeo.conf", "schooltool.conf"}) {
    if (!folder->status(name)) continue;
    const std::string file = dir + "/" + name;
    const Storage storage = take_storage(instance, file, read_zconfig(env, dir, name));
    if (storage == Storage::here) return true;
    if (storage == Storage::none && without.empty()) without = file;
  }
  if (!without.empty()) refuse(without, "has no <filestorage>");
  return false;
}

// Names of the entries of `config_root` that may be instances, with a problem for each that only looks like
// one.
std::set<std::string> folders(io::Env& env, const std::string& config_root,
                              std::vector<std::string>& problems) {
  std::set<std::string> names;
  std::unique_ptr<io::Dir> root;
  try {
    root = env.open_dir(config_root, io::Links::administrator);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) problems.push_back(error.what());
    return names;
  }
  for (const std::string& name : root->list()) {
    if (is_leftover(name)) continue;
    const auto status = root->status(name);
    const bool may_be_folder =
        status && (status->type == io::FileType::directory || status->type == io::FileType::symlink);
    if (!may_be_folder) continue;
    if (is_instance_name(name))
      names.insert(name);
    else
      problems.push_back("folder " + base::quoted(config_root + "/" + name) + ": not a name for an instance");
  }
  return names;
}

// The sections of the settings by instance, with the first key of each.
std::map<std::string, base::Setting> sections(const std::vector<base::Setting>& configured) {
  std::map<std::string, base::Setting> by_name;
  for (const base::Setting& setting : configured)
    if (const std::string name = instance_of(setting); !name.empty()) by_name.emplace(name, setting);
  return by_name;
}

// Puts what the section [instance NAME] says about the database over what the instance's own files say.
void override_data(Instance& instance, const std::string& file) {
  const std::string before = instance.data_name.empty() ? "" : instance.data_path();
  set_data(instance, file, instance.settings.data);
  if (instance.data_path() != before) instance.blob_dir.clear();  // those were the blobs of another database
}

// `section` is the first key of [instance NAME], if there is one. Empty if there is no database of this
// instance here. Throws Error.
std::optional<Instance> read_instance(io::Env& env, const std::string& config_root, const std::string& name,
                                      bool has_folder, const std::vector<base::Setting>& configured,
                                      const base::Setting* section) {
  const std::string dir = config_root + "/" + name;
  Instance instance;
  instance.name = name;
  instance.settings = settings_for(name, configured);
  const bool told = !instance.settings.data.empty();
  if (!told && !has_folder)
    throw base::Error(base::ErrorKind::usage, "", "",
                      section->file + " line " + std::to_string(section->line) + ": there is no folder " +
                          base::quoted(dir) + " and no key 'data' in this section");
  try {
    if (has_folder && !read_config(env, dir, instance) && !told) return std::nullopt;
  } catch (const base::Error&) {
    // What the settings say holds, whatever state the instance's own files are in.
    if (!told) throw;
  }
  if (told) override_data(instance, section->file);
  if (!instance.settings.blobs.empty()) instance.blob_dir = instance.settings.blobs;
  return instance;
}

}  // namespace

Instances find_instances(io::Env& env, const std::string& config_root,
                         const std::vector<base::Setting>& configured) {
  settings_for("", configured);  // throws for what concerns all
  Instances result;
  const std::set<std::string> in_etc = folders(env, config_root, result.problems);
  const std::map<std::string, base::Setting> in_settings = sections(configured);
  std::set<std::string> names = in_etc;
  for (const auto& [name, setting] : in_settings) names.insert(name);

  std::map<std::string, std::string> owners;  // database path to the first instance that has it
  for (const std::string& name : names) {
    const auto section = in_settings.find(name);
    try {
      std::optional<Instance> instance =
          read_instance(env, config_root, name, in_etc.contains(name), configured,
                        section == in_settings.end() ? nullptr : &section->second);
      if (!instance) continue;
      const auto [owner, is_first] = owners.emplace(instance->data_path(), name);
      if (is_first)
        result.found.push_back(std::move(*instance));
      else
        result.problems.push_back("instance " + base::quoted(name) + ": its database " +
                                  base::quoted(instance->data_path()) + " is that of instance " +
                                  base::quoted(owner->second));
    } catch (const base::Error& error) {
      result.problems.push_back("instance " + base::quoted(name) + ": " + error.what());
    }
  }
  return result;
}

}  // namespace upgrade
