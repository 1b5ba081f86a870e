// Where the files of a blob folder lie. One file for each revision of a blob object, named by oid and tid,
// never changed once it is there:
//
//   blobs/.layout                                                    "bushy" or "lawn"
//   blobs/tmp/                                                       files being written
//   blobs/0x00/0x00/0x00/0x00/0x00/0x00/0x00/0x42/0x0398f868121ff2dd.blob    bushy: a folder for each byte
//   blobs/0x42/0x0398f868121ff2dd.blob                               lawn: one folder for each oid
//
// Numbers in lawn folders and file names are hexadecimal, lower case, without leading zeros but with an even
// number of digits. Names that another program would write differently are no names of blobs here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filestorage/format.h"
#include "io/env.h"

namespace filestorage {

enum class BlobLayout { bushy, lawn };
const char* to_string(BlobLayout layout);

inline constexpr const char* kBlobLayoutName = ".layout";
inline constexpr const char* kBlobTmpName = "tmp";

struct BlobKey {
  Tid tid = 0;
  Oid oid = 0;
  auto operator<=>(const BlobKey&) const = default;  // by tid, then by oid
};

// By the marker; without one as ZODB decides: bushy if nothing but hidden names is there, else lawn.
// Error(corrupt) for another word in the marker (a client's cache says "zeocache": no source for anything).
BlobLayout blob_layout(io::Dir& blobs);

// The folders that lead to the object's files, below the blob folder.
std::vector<std::string> blob_folders(BlobLayout layout, Oid oid);
std::string blob_file_name(Tid tid);  // "0x0398f868121ff2dd.blob"
// Folders and name joined by '/', relative to the blob folder.
std::string blob_path(BlobLayout layout, const BlobKey& key);

// The reverse of each; empty for every other text.
std::optional<std::uint8_t> parse_bushy_folder(std::string_view name);  // one of the eight
std::optional<Oid> parse_lawn_folder(std::string_view name);
std::optional<Tid> parse_blob_file_name(std::string_view name);
std::optional<BlobKey> parse_blob_path(BlobLayout layout, std::string_view path);

}  // namespace filestorage
