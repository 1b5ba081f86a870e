#include "upgrade/names.h"

#include <algorithm>
#include <charconv>

#include "base/bytes.h"

namespace upgrade {

namespace {

bool starts_with(const std::string& text, const std::string& prefix) {
  return text.rfind(prefix, 0) == 0;
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// "20261123T141908Z"
bool is_stamp(const std::string& text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return false;
  for (std::size_t i = 0; i < 15; ++i) {
    if (i != 8 && (text[i] < '0' || text[i] > '9')) return false;
  }
  return true;
}

constexpr const char* kDisplacedWords[] = {"blank", "truncated", "damaged", "foreign", "replaced", "erased"};

}  // namespace

std::string generation_name(const std::string& data_name, Generation generation) {
  return data_name + "." + std::to_string(generation.number) + (generation.compressed ? ".gz" : "");
}

std::optional<Generation> parse_generation(const std::string& data_name, const std::string& name) {
  if (!starts_with(name, data_name + ".")) return std::nullopt;
  std::string rest = name.substr(data_name.size() + 1);
  Generation generation;
  if (ends_with(rest, ".gz")) {
    generation.compressed = true;
    rest.resize(rest.size() - 3);
  }
  if (rest.empty() || rest.size() > 3 || (rest.size() > 1 && rest[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), generation.number);
  if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return generation;
}

std::vector<Generation> generations_in(const std::string& data_name, const std::vector<std::string>& names) {
  std::vector<Generation> found;
  for (const std::string& name : names) {
    if (const auto generation = parse_generation(data_name, name)) found.push_back(*generation);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string displaced_name(const std::string& data_name, const std::string& word, base::UtcTime now) {
  return data_name + "." + word + "-" + base::to_stamp(now);
}

bool is_displaced_name(const std::string& data_name, const std::string& name) {
  return std::any_of(std::begin(kDisplacedWords), std::end(kDisplacedWords), [&](const char* word) {
    const std::string prefix = data_name + "." + word + "-";
    return starts_with(name, prefix) && is_stamp(name.substr(prefix.size()).substr(0, 16));
  });
}

std::string index_name(const std::string& data_name) {
  return data_name + ".index";
}
std::string lock_name(const std::string& data_name) {
  return data_name + ".lock";
}

std::string upgrade_id(base::UtcTime now, std::uint64_t random) {
  return base::to_stamp(now) + "-" + base::to_hex(random).substr(12);
}

std::string held_name(const std::string& data_name, const std::string& id) {
  return data_name + "." + id + ".held";
}

bool is_held_name(const std::string& data_name, const std::string& name) {
  if (!starts_with(name, data_name + ".") || !ends_with(name, ".held")) return false;
  // Strict, as "Data.fs.test" may be another instance's database in the same folder.
  const std::string id = name.substr(data_name.size() + 1, name.size() - data_name.size() - 6);
  return id.size() == 21 && is_stamp(id.substr(0, 16)) && id[16] == '-' &&
         id.find_first_not_of("0123456789abcdef", 17) == std::string::npos;
}

}  // namespace upgrade
