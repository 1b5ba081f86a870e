#include "backup/names.h"

#include "repozo/names.h"

namespace backup {

std::string archive_name(const std::string& stamp) {
  return stamp + std::string(kArchiveSuffix);
}
std::string manifest_name(const std::string& stamp) {
  return stamp + std::string(kManifestSuffix);
}
std::string record_name(const std::string& stamp) {
  return stamp + std::string(kRecordSuffix);
}

std::optional<std::string> stamp_in(std::string_view name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  const std::string_view stamp = name.substr(0, name.size() - suffix.size());
  return repozo::is_stamp(stamp) ? std::optional(std::string(stamp)) : std::nullopt;
}

}  // namespace backup
