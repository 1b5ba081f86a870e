#include "support/fs_builder.h"

#include <algorithm>
#include <map>

#include "io/gzip.h"
#include "support/bytes_file.h"
#include "support/file_builder.h"

namespace support {

namespace {

constexpr std::int64_t kSchoolBegins = 1748764800;  // 2025-06-01T08:00:00Z
constexpr std::int64_t kBootstrapped = 1767346200;  // 2026-01-02T09:30:00Z
constexpr std::int64_t kHour = 3600;

base::Tid tid_at(std::int64_t seconds) {
  return base::tid_of({seconds, 0});
}

// The same for an object and a moment, in whichever history.
std::string data_of(base::Oid oid, base::Tid tid) {
  return "object " + std::to_string(oid) + " as of " + base::to_hex(tid) + std::string(oid % 7, '.');
}

}  // namespace

History school_history(unsigned transactions) {
  History history;
  base::Oid next = 0;
  for (unsigned i = 0; i < transactions; ++i) {
    Transaction transaction;
    transaction.tid = tid_at(kSchoolBegins + i * kHour);
    if (i == 0) {
      transaction.oids = {next++};
    } else {
      transaction.oids = {(i * 5) % next};
      if (const base::Oid other = (i * 11 + 3) % next; other != transaction.oids[0])
        transaction.oids.push_back(other);
      for (int added = 0; added < 3; ++added) transaction.oids.push_back(next++);
    }
    history.push_back(std::move(transaction));
  }
  return history;
}

History bootstrap_history(base::UtcTime when) {
  History history;
  const std::vector<std::vector<base::Oid>> oids = {{0}, {0, 1, 2}, {1, 3, 4}, {4, 5}};
  for (const auto& objects : oids) {
    history.push_back({tid_at(when.seconds + static_cast<std::int64_t>(history.size())), objects, ' '});
  }
  return history;
}

History packed(const History& history, const std::set<base::Oid>& garbage) {
  std::map<base::Oid, base::Tid> newest;
  for (const Transaction& transaction : history) {
    for (const base::Oid oid : transaction.oids) newest[oid] = transaction.tid;
  }
  History result;
  for (Transaction transaction : history) {
    std::erase_if(transaction.oids,
                  [&](base::Oid oid) { return newest[oid] != transaction.tid || garbage.count(oid) != 0; });
    transaction.status = 'p';
    if (!transaction.oids.empty()) result.push_back(std::move(transaction));
  }
  return result;
}

History lived_on(History history, unsigned more) {
  std::int64_t time = base::tid_time(history.back().tid).seconds;
  base::Oid next = 0;
  for (const Transaction& transaction : history) {
    next = std::max(next, *std::max_element(transaction.oids.begin(), transaction.oids.end()) + 1);
  }
  for (unsigned i = 0; i < more; ++i) {
    time += kHour;
    // Oids that the history has for sure: its first ones.
    history.push_back({tid_at(time), {0, next++}, ' '});
  }
  return history;
}

std::string render(const History& history, std::string_view magic) {
  std::string bytes;
  FileBuilder builder([&bytes](std::string_view piece) { bytes += piece; }, magic);
  for (const Transaction& transaction : history) {
    builder.begin(transaction.tid, "zope", "a change");
    for (const base::Oid oid : transaction.oids) builder.record(oid, data_of(oid, transaction.tid));
    builder.finish(transaction.status);
  }
  return bytes;
}

std::string school(unsigned transactions) {
  return render(school_history(transactions));
}

std::string bootstrap() {
  return render(bootstrap_history({kBootstrapped, 0}));
}

std::string with_torn_tail(const std::string& whole) {
  std::string bytes = whole;
  const History tail = {{tid_at(kBootstrapped - kHour), {0, 1}, ' '}};
  const std::string transaction = render(tail).substr(4);
  return bytes + transaction.substr(0, transaction.size() - 20);
}

std::string gzipped(const std::string& content) {
  BytesFile source(content), target;
  io::gzip_compress(source, target, {});
  return target.content;
}

std::string gunzipped(const std::string& packed) {
  BytesFile source(packed);
  std::string content;
  io::gzip_decompress(source, ~std::uint64_t{0},
                      [&](base::ByteSpan piece) { content += base::as_text(piece); });
  return content;
}

}  // namespace support
