// A small database to pack, in memory.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "filestorage/pack.h"
#include "support/file_builder.h"
#include "support/pack_case.h"

namespace filestorage {

inline const std::string kData = "/data/Data.fs";

// A record of class `name` with strong references.
inline std::string pickle(const std::string& name, const std::vector<Oid>& references) {
  std::string text =
      "\x80\x03"
      "cschool\n" +
      name + "\n.\x80\x03](";
  for (const Oid oid : references) {
    std::string bytes(8, '\0');
    base::store_be(reinterpret_cast<std::byte*>(bytes.data()), oid);
    text += "C\x08" + bytes + "Q";
  }
  return text + "e.";
}

class PackFixture : public testing::Test {
 protected:
  void put(const std::string& bytes) {
    mem.put_dir("/data", support::kPackOwner, 0750);
    mem.put_file(kData, bytes, support::kPackOwner, 0640);
  }
  void put_fixture(const std::string& folder) { support::put_database(mem, "fs/" + folder); }
  PackReport run() { return pack(mem, "/data", "Data.fs", request); }
  std::string data() { return *mem.content(kData); }

  // 0 -> 1 -> 2; 3 is garbage; 1 is rewritten twice.
  std::string small() {
    std::string bytes;
    support::FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; });
    const std::vector<std::vector<std::pair<Oid, std::string>>> transactions = {
        {{0, pickle("Root", {1})},
         {1, pickle("Person", {2})},
         {2, pickle("Sheet", {})},
         {3, pickle("Lost", {})}},
        {{1, pickle("Person", {2, 2})}},
        {{1, pickle("Person", {2})}}};
    Tid tid = base::tid_of({1'700'000'000, 0});
    for (const auto& records : transactions) {
      builder.begin(tid += Tid{1} << 32);
      for (const auto& [oid, text] : records) builder.record(oid, text);
      builder.finish();
    }
    return bytes;
  }

  io::MemEnv mem;
  PackRequest request = [] {
    PackRequest now;
    now.options.stop = ~Tid{0};
    return now;
  }();
};

}  // namespace filestorage
