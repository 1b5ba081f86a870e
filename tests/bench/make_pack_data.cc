// make_pack_data FILE --objects N [--shape school|random|large] [--seed N]: a FileStorage to pack, with
// pickles that load as far as a pack reads them. Made through the classes of the interop tests' stand-ins, so
// that the real ZODB packs it too.
//
//   school  persons in sections: records of some 450 bytes, 3 references each, two thirds rewritten once, a
//   third
//           of the persons let go; half of the file is garbage
//   random  tiny records, 3 references each, 2 of them to anywhere: the worst case for caches
//   large   uploads of 4 KB to 2 MB, hardly any garbage; --objects counts them
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "support/file_builder.h"

namespace {

std::string le32(std::size_t value) {
  std::string text;
  for (unsigned shift = 0; shift < 32; shift += 8) text += static_cast<char>(value >> shift & 0xff);
  return text;
}

// A record of a PersistentMapping's look: class, then a dict with text, a list of references, and ballast.
class Pickle {
 public:
  explicit Pickle(std::string_view name) {
    const std::string global = "cschool.bench\n" + std::string(name) + "\n";
    text_ = "\x80\x03" + global + "q\x01.\x80\x03}q\x02(";
  }
  Pickle& text(std::string_view key, std::string_view value) {
    string(key);
    string(value);
    return *this;
  }
  Pickle& bytes(std::string_view key, std::string_view value) {
    string(key);
    text_ += 'B' + le32(value.size());
    text_ += value;
    return *this;
  }
  Pickle& references(std::string_view key, const std::vector<base::Oid>& oids) {
    string(key);
    text_ += "](";
    for (const base::Oid oid : oids) {
      std::string bytes(8, '\0');
      base::store_be(reinterpret_cast<std::byte*>(bytes.data()), oid);
      text_ += "C\x08" + bytes + "cschool.bench\nThing\n\x86Q";
    }
    text_ += 'e';
    return *this;
  }
  std::string finish() { return text_ + "u."; }

 private:
  void string(std::string_view value) {
    text_ += 'X' + le32(value.size());
    text_ += value;
  }
  std::string text_;
};

struct Arguments {
  std::string file, shape = "school";
  std::uint64_t objects = 0, seed = 1;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string {
      if (++i >= argc) throw std::runtime_error(word + " needs a value");
      return argv[i];
    };
    if (word == "--objects") {
      arguments.objects = std::stoull(value());
    } else if (word == "--shape") {
      arguments.shape = value();
    } else if (word == "--seed") {
      arguments.seed = std::stoull(value());
    } else {
      arguments.file = word;
    }
  }
  if (arguments.file.empty() || arguments.objects == 0) throw std::runtime_error("FILE --objects N");
  return arguments;
}

class Maker {
 public:
  explicit Maker(const Arguments& arguments)
      : arguments_(arguments),
        random_(arguments.seed),
        file_(std::fopen(arguments.file.c_str(), "wb"), &std::fclose),
        builder_([this](std::string_view bytes) {
          if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
            throw std::runtime_error("write");
        }) {
    if (!file_) throw std::runtime_error("cannot write " + arguments.file);
  }

  void run() {
    if (arguments_.shape == "school") {
      school();
    } else if (arguments_.shape == "random") {
      random();
    } else {
      large();
    }
    if (std::fflush(file_.get()) != 0) throw std::runtime_error("write");
  }

 private:
  static constexpr std::uint64_t kInTransaction = 20;

  void begin() {
    builder_.begin(base::tid_of({1'600'000'000 + static_cast<std::int64_t>(second_++), 0}), "teacher",
                   "/schooltool/edit");
  }

  std::string word(std::size_t length) {
    std::string text;
    while (text.size() < length) text += "lesson " + std::to_string(random_() % 1000) + " ";
    text.resize(length);
    return text;
  }

  // Sections of 64 persons with 6 things each: section -> persons -> things -> the person and the next thing.
  void school() {
    constexpr std::uint64_t kThings = 6, kPersons = 64, kSection = 1 + kPersons * (1 + kThings);
    const std::uint64_t sections = arguments_.objects / kSection + 1;
    std::vector<base::Oid> roots;
    for (std::uint64_t i = 0; i < sections; ++i) roots.push_back(1 + i * kSection);
    begin();
    builder_.record(0, Pickle("Root").references("sections", roots).finish());
    builder_.finish();
    for (const base::Oid section : roots) {
      write_section(section, kPersons, kThings, kPersons);
      rewrite(section, kPersons, kThings);
      // A third of the persons leave.
      begin();
      builder_.record(section, section_pickle(section, kPersons, kThings, kPersons * 2 / 3));
      builder_.finish();
    }
  }

  std::string section_pickle(base::Oid section, std::uint64_t persons, std::uint64_t things,
                             std::uint64_t stay) {
    std::vector<base::Oid> list;
    for (std::uint64_t i = 0; i < stay && i < persons; ++i) list.push_back(section + 1 + i * (1 + things));
    return Pickle("Section").text("title", word(60)).references("persons", list).finish();
  }
  std::string person_pickle(base::Oid person, std::uint64_t things) {
    std::vector<base::Oid> list;
    for (std::uint64_t i = 0; i < things; ++i) list.push_back(person + 1 + i);
    return Pickle("Person")
        .text("name", word(30))
        .text("notes", word(150))
        .references("things", list)
        .finish();
  }
  std::string thing_pickle(base::Oid thing, base::Oid person, bool last) {
    std::vector<base::Oid> list = {person, person};
    if (!last) list.push_back(thing + 1);
    return Pickle("Evaluation")
        .text("score", word(20))
        .text("comment", word(280))
        .references("of", list)
        .finish();
  }

  void write_section(base::Oid section, std::uint64_t persons, std::uint64_t things, std::uint64_t stay) {
    begin();
    builder_.record(section, section_pickle(section, persons, things, stay));
    builder_.finish();
    for (std::uint64_t i = 0; i < persons; ++i) {
      const base::Oid person = section + 1 + i * (1 + things);
      if (i % 3 == 0) begin();
      builder_.record(person, person_pickle(person, things));
      for (std::uint64_t k = 0; k < things; ++k)
        builder_.record(person + 1 + k, thing_pickle(person + 1 + k, person, k + 1 == things));
      if (i % 3 == 2 || i + 1 == persons) builder_.finish();
    }
  }

  void rewrite(base::Oid section, std::uint64_t persons, std::uint64_t things) {
    begin();
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < persons; ++i) {
      const base::Oid person = section + 1 + i * (1 + things);
      for (std::uint64_t k = 0; k < things; ++k) {
        if (random_() % 3 == 0) continue;
        builder_.record(person + 1 + k, thing_pickle(person + 1 + k, person, k + 1 == things));
        if (++count % kInTransaction == 0) {
          builder_.finish();
          begin();
        }
      }
    }
    builder_.record(section, section_pickle(section, persons, things, persons));
    builder_.finish();
  }

  void random() {
    const std::uint64_t objects = arguments_.objects;
    for (std::uint64_t oid = 0; oid < objects; ++oid) {
      if (oid % 200 == 0) begin();
      builder_.record(oid,
                      Pickle("T")
                          .references("r", {(oid + 1) % objects, random_() % objects, random_() % objects})
                          .finish());
      if (oid + 1 == objects) builder_.record(objects, Pickle("T").references("r", {0}).finish());  // garbage
      if (oid % 200 == 199 || oid + 1 == objects) builder_.finish();
    }
  }

  void large() {
    std::vector<base::Oid> list;
    for (std::uint64_t i = 1; i <= arguments_.objects; ++i) list.push_back(i);
    begin();
    builder_.record(0, Pickle("Root").references("files", list).finish());
    builder_.finish();
    std::string noise(2 << 20, '\0');
    for (std::size_t i = 0; i < noise.size(); i += 8) {
      const std::uint64_t value = random_();
      for (std::size_t k = 0; k < 8; ++k) noise[i + k] = static_cast<char>(value >> (8 * k));
    }
    for (const base::Oid oid : list) {
      // Most are small, the bytes are in the large ones.
      const std::size_t length = random_() % 4 != 0 ? 4096 + random_() % 60000 : 4096 + random_() % (2 << 20);
      const std::size_t size = std::min(length, noise.size());
      begin();
      builder_.record(oid, Pickle("File")
                               .text("name", word(20))
                               .bytes("data", std::string_view(noise).substr(0, size))
                               .finish());
      builder_.finish();
    }
    begin();  // one is let go, so that there is something to gain
    list.pop_back();
    builder_.record(0, Pickle("Root").references("files", list).finish());
    builder_.finish();
  }

  Arguments arguments_;
  std::mt19937_64 random_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  support::FileBuilder builder_;
  std::uint64_t second_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  try {
    Maker(parse(argc, argv)).run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_pack_data: %s\n", error.what());
    return 1;
  }
}
