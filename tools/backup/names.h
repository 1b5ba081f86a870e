// The files of a backup repository, /var/backups/schooltool/<instance>. The database part is a repozo
// repository and stays one; what this layer adds has names that repozo ignores. For one backup:
//
//   2026-11-23-03-15-00.fs, .deltafs    repozo's: a full copy of Data.fs, or what was appended since
//   2026-11-23-03-15-00.index, .dat...  repozo's
//   2026-11-23-03-15-00.blobs.tar       blobs that no older archive of the repository holds (archive.h)
//   2026-11-23-03-15-00.blobs.list      what stands where in it (manifest.h)
//   2026-11-23-03-15-00.backup          the record that makes the backup count, written last (record.h)
//
// Stamps are moments in UTC, as repozo's (repozo/names.h), and sort as their moments do.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace backup {

inline constexpr std::string_view kArchiveSuffix = ".blobs.tar";
inline constexpr std::string_view kManifestSuffix = ".blobs.list";
inline constexpr std::string_view kRecordSuffix = ".backup";

std::string archive_name(const std::string& stamp);
std::string manifest_name(const std::string& stamp);
std::string record_name(const std::string& stamp);
// The stamp of a name with this suffix; empty for any other name.
std::optional<std::string> stamp_in(std::string_view name, std::string_view suffix);

}  // namespace backup
