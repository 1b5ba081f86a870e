// make_database FILE --small|--large --bytes N [--seed N]: a FileStorage of at least N bytes, the same for
// the same seed, which ZODB opens without a warning and whose objects it can load (they are
// PersistentMappings that form one tree).
//
//   --small  like a school's: about 25 records in a transaction, two thirds new objects, one third
//            rewritten ones; now and then an undo (back pointers); gradebook entries
//   --large  like uploads: records of 4 KB to 2 MB, half of each incompressible
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/file_builder.h"

namespace {

using base::Oid;

// splitmix64: the same numbers everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

// Pickles as ZODB on Python 3 writes them, protocol 3, without memo.
void append_le32(std::string& out, std::size_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xff);
}
void append_text(std::string& out, const std::string& text) {
  out += 'X';
  append_le32(out, text.size());
  out += text;
}
void append_bytes(std::string& out, const std::string& bytes) {
  out += 'B';
  append_le32(out, bytes.size());
  out += bytes;
}
void append_reference(std::string& out, Oid oid) {
  std::string name(8, '\0');
  base::store_be(reinterpret_cast<std::byte*>(name.data()), oid);
  out += "C\x08" + name + "cpersistent.mapping\nPersistentMapping\n\x86Q";
}
// A PersistentMapping whose items are pickled in `items`: keys and values one behind the other.
std::string mapping(const std::string& items) {
  std::string out =
      "\x80\x03"
      "cpersistent.mapping\nPersistentMapping\n.\x80\x03}";
  append_text(out, "data");
  out += "}(" + items + "us.";
  return out;
}

// One of 4,000 made-up words, the first ones far more often than the last, as in any language.
std::string word(Random& random) {
  static constexpr const char* kSyllables[] = {"ka", "ren", "mo", "li",  "sto", "va",  "the", "er",
                                               "in", "dar", "gu", "es",  "pra", "nel", "tor", "ya",
                                               "wi", "sch", "ol", "ber", "zu",  "at"};
  Random spelling(static_cast<std::uint64_t>(4000 * std::pow(random.unit(), 3)));
  std::string text;
  for (std::uint64_t left = 1 + spelling.below(4); left > 0; --left) {
    text += kSyllables[spelling.below(std::size(kSyllables))];
  }
  return text;
}

std::string words(Random& random, std::size_t size) {
  std::string text;
  while (text.size() < size) text += word(random) + " ";
  return text;
}

std::string noise(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t at = 0; at < size; at += 8) {
    const std::uint64_t value = random.next();
    std::memcpy(bytes.data() + at, &value, std::min<std::size_t>(8, size - at));
  }
  return bytes;
}

// What a gradebook is made of: the same keys and teacher over and over, marks and moments between them, now
// and then a remark.
void append_evaluations(std::string& items, Random& random, std::size_t size) {
  const std::size_t end = items.size() + size;
  const std::string teacher = "sb.person.teacher" + std::to_string(random.below(60));
  const std::uint64_t term = random.next();
  for (unsigned number = 0; items.size() < end; ++number) {
    append_text(items, "activity-" + std::to_string(number));
    items += "}(";
    append_text(items, "evaluator");
    append_text(items, teacher);
    append_text(items, "value");
    items += 'K';
    items += static_cast<char>(40 + random.below(60));
    append_text(items, "modified");
    std::string moment = "\x07\xd5\x01\x01";  // year, month and day, then time of day
    moment[2] = static_cast<char>(1 + (term + number) % 12);
    append_bytes(items, moment + noise(random, 3) + std::string(3, '\0'));
    append_text(items, "scoresystem");
    items += "cschooltool.requirement.scoresystem\nPercentScoreSystem\n";
    if (random.below(2) == 0) {
      append_text(items, "comment");
      append_text(items, words(random, 20 + random.below(60)));
    }
    items += 'u';
  }
}

// The objects are the nodes of a tree, numbered as they come: node n hangs under (n - 1) / kChildren.
class Database {
 public:
  Database(support::FileBuilder::Sink sink, bool large, std::uint64_t seed)
      : builder_(std::move(sink)), random_(seed), large_(large) {
    begin();
    builder_.record(0, node(0));
    builder_.finish();
    objects_ = 1;
  }

  void add_transaction() {
    begin();
    const std::uint64_t kind = random_.below(50);
    if (kind == 0 && undoable_ != 0) {
      undo();
    } else if (large_) {
      add_objects(1 + random_.below(16));
      change_objects(random_.below(2));
    } else {
      add_objects(8 + random_.below(17));
      change_objects(random_.below(16));
    }
    builder_.finish();
  }

  std::uint64_t size() const { return builder_.end(); }

 private:
  static constexpr Oid kChildren = 24;

  void begin() {
    tid_ += 0x80000000 + random_.below(0x40000000);  // half a minute or more
    builder_.begin(tid_, " sb.person." + std::to_string(random_.below(400)), "/persons/" + words(random_, 8));
  }

  void add_objects(std::uint64_t count) {
    Oid parent = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const Oid oid = objects_++;
      if (i > 0 && (oid - 1) / kChildren != parent) builder_.record(parent, node(parent));
      parent = (oid - 1) / kChildren;
      builder_.record(oid, node(oid));
    }
    builder_.record(parent, node(parent));
  }

  void change_objects(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      // One of every 16 neighbours, so that none is changed twice in a transaction; no fresh ones.
      const Oid span = objects_ / 16;
      if (span < 64) return;
      const Oid oid = (random_.below(span / 16 - 2) * 16 + i) * 16 + 1;
      if (oid + 4 > objects_ / kChildren && oid < objects_ / kChildren + 4)
        continue;  // just rewritten for its children
      undoable_ = oid;
      undone_to_ = builder_.positions().get(oid);
      builder_.record(oid, node(oid));
    }
  }

  void undo() {
    builder_.back_pointer(undoable_, undone_to_);
    undoable_ = 0;
  }

  std::string node(Oid oid) {
    std::string items;
    append_text(items, "title");
    append_text(items, words(random_, 20));
    append_text(items, "revision");
    items += 'J';
    append_le32(items, random_.below(1u << 30));
    if (large_ && oid != 0 && oid * kChildren + 1 > objects_) {
      const auto size = static_cast<std::size_t>(4096 * std::exp2(9 * std::pow(random_.unit(), 4)));
      append_text(items, "head");
      append_text(items, words(random_, size / 2));
      append_text(items, "body");
      append_bytes(items, noise(random_, size / 2));
    } else {
      append_evaluations(items, random_, 60 + random_.below(350));
    }
    for (Oid child = oid * kChildren + 1; child <= oid * kChildren + kChildren && child < objects_; ++child) {
      append_text(items, "child " + std::to_string(child - oid * kChildren));
      append_reference(items, child);
    }
    return mapping(items);
  }

  support::FileBuilder builder_;
  Random random_;
  bool large_;
  base::Tid tid_ = 0x0362000000000000;  // 2005
  Oid objects_ = 0;
  Oid undoable_ = 0;             // changed lately
  std::uint64_t undone_to_ = 0;  // its record before that
};

int make(const std::string& path, bool large, std::uint64_t bytes, std::uint64_t seed) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"), &std::fclose);
  if (!file) throw std::runtime_error("cannot create " + path);
  std::setvbuf(file.get(), nullptr, _IOFBF, 1 << 20);
  Database database(
      [&file](std::string_view part) {
        if (std::fwrite(part.data(), 1, part.size(), file.get()) != part.size())
          throw std::runtime_error("write failed");
      },
      large, seed);
  while (database.size() < bytes) database.add_transaction();
  if (std::fflush(file.get()) != 0) throw std::runtime_error("write failed");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  std::string path, kind;
  std::uint64_t bytes = 0, seed = 1;
  try {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "--small" || words[i] == "--large") {
        kind = words[i];
      } else if ((words[i] == "--bytes" || words[i] == "--seed") && i + 1 < words.size()) {
        (words[i] == "--bytes" ? bytes : seed) = std::stoull(words[i + 1]);
        ++i;
      } else {
        path = words[i];
      }
    }
    if (path.empty() || kind.empty() || bytes == 0) {
      std::cerr << "usage: make_database FILE --small|--large --bytes N [--seed N]\n";
      return 2;
    }
    return make(path, kind == "--large", bytes, seed);
  } catch (const std::exception& error) {
    std::cerr << "make_database: " << error.what() << "\n";
    return 2;
  }
}
