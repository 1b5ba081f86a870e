#include "filestorage/blob_layout.h"

#include <gtest/gtest.h>

#include "io/mem_env.h"
#include "support/errors.h"

namespace filestorage {
namespace {

constexpr BlobKey kKey = {0x0398f868121ff2dd, 0x42};

TEST(BlobLayout, NamesAreThoseOfZodb) {
  EXPECT_EQ(blob_path(BlobLayout::bushy, kKey),
            "0x00/0x00/0x00/0x00/0x00/0x00/0x00/0x42/0x0398f868121ff2dd.blob");
  EXPECT_EQ(blob_path(BlobLayout::lawn, kKey), "0x42/0x0398f868121ff2dd.blob");
  EXPECT_EQ(blob_path(BlobLayout::lawn, {1, 0}), "0x00/0x01.blob");
  EXPECT_EQ(blob_path(BlobLayout::lawn, {~Tid{0}, 0x123}), "0x0123/0xffffffffffffffff.blob");
}

TEST(BlobLayout, ReadsBackWhatItNames) {
  for (const BlobLayout layout : {BlobLayout::bushy, BlobLayout::lawn}) {
    for (const BlobKey key : {kKey, BlobKey{1, 0}, BlobKey{~Tid{0}, ~Oid{0}}, BlobKey{0x100, 0x1000}}) {
      EXPECT_EQ(parse_blob_path(layout, blob_path(layout, key)), key);
    }
  }
}

TEST(BlobLayout, RefusesNamesThatZodbWouldWriteDifferently) {
  for (const char* name :
       {"", ".blob", "0x.blob", "0x1.blob", "0x001.blob", "0x0001.blob", "0xFF.blob", "0xff.blob ",
        "0x0398f868121ff2dd", "0x0398f868121ff2dd.tmp", "0398f868121ff2dd.blob", "0x+1.blob", "0x-1.blob",
        "0x0398f868121ff2dd00.blob", "0xfg.blob", "../0x01.blob"}) {
    EXPECT_FALSE(parse_blob_file_name(name)) << name;
  }
  for (const char* name : {"", "0x", "0x1", "0x001", "0xGG", "00", "tmp", ".layout"}) {
    EXPECT_FALSE(parse_bushy_folder(name)) << name;
    EXPECT_FALSE(parse_lawn_folder(name)) << name;
  }
  EXPECT_FALSE(parse_bushy_folder("0x0100"));
  for (const char* path : {"0x01.blob", "0x42/0x01.blob/", "/0x42/0x01.blob", "0x42//0x01.blob",
                           "0x42/../0x01.blob", "0x00/0x00/0x00/0x00/0x00/0x00/0x42/0x01.blob",
                           "0x00/0x00/0x00/0x00/0x00/0x00/0x00/0x00/0x42/0x01.blob"}) {
    EXPECT_FALSE(parse_blob_path(BlobLayout::bushy, path)) << path;
  }
  EXPECT_FALSE(parse_blob_path(BlobLayout::lawn, "0x00/0x42/0x01.blob"));
}

TEST(BlobLayout, IsTheMarkersElseWhatZodbWouldChoose) {
  io::MemEnv mem;
  const auto layout_of = [&](const std::string& path) {
    return blob_layout(*mem.open_dir(path, io::Links::refuse));
  };
  mem.put_file("/lawn/.layout", " lawn\n");
  mem.put_file("/bushy/.layout", "bushy");
  mem.put_dir("/bushy/0x42");
  mem.put_dir("/empty");
  mem.put_file("/hidden/.something", "");
  mem.put_dir("/old/tmp");
  EXPECT_EQ(layout_of("/lawn"), BlobLayout::lawn);
  EXPECT_EQ(layout_of("/bushy"), BlobLayout::bushy);
  EXPECT_EQ(layout_of("/empty"), BlobLayout::bushy);
  EXPECT_EQ(layout_of("/hidden"), BlobLayout::bushy);
  EXPECT_EQ(layout_of("/old"), BlobLayout::lawn);
}

TEST(BlobLayout, RefusesAMarkerItDoesNotKnow) {
  io::MemEnv mem;
  mem.put_file("/cache/.layout", "zeocache");
  mem.put_file("/long/.layout", std::string(1000, ' ') + "bushy");
  mem.put_file("/secret", "bushy");
  mem.put_symlink("/link/.layout", "/secret");
  for (const char* path : {"/cache", "/long"}) {
    EXPECT_TRUE(support::fails_with(base::ErrorKind::corrupt,
                                    [&] { blob_layout(*mem.open_dir(path, io::Links::refuse)); }));
  }
  EXPECT_TRUE(support::fails_with(base::ErrorKind::unsafe_path,
                                  [&] { blob_layout(*mem.open_dir("/link", io::Links::refuse)); }));
}

}  // namespace
}  // namespace filestorage
