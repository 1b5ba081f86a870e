// The scanner, the value reader and its JSON over one input, as a record. Where the value reader reads a
// record, the scanner must have found the same strong references.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/error.h"
#include "pickle/json.h"
#include "pickle/record_class.h"
#include "pickle/scanner.h"
#include "pickle/values.h"

namespace {

using Oids = std::vector<base::Oid>;

std::optional<Oids> scanned(pickle::Scanner& scanner, base::ByteSpan record) {
  try {
    const auto found = scanner.strong(record);
    return Oids(found.begin(), found.end());
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan record(reinterpret_cast<const std::byte*>(data), size);
  static pickle::Scanner scanner;  // used for many records, as in earnest
  const std::optional<Oids> found = scanned(scanner, record);
  pickle::Scanner fresh;
  if (scanned(fresh, record) != found) std::abort();
  try {
    pickle::class_of(record);
  } catch (const base::Error&) {
    // No pickle, which is an answer.
  }
  try {
    pickle::Values values(record);
    std::size_t at = 0;
    values.read(at);
    values.read(at);
    Oids strong;
    bool unknown = false;
    for (const pickle::Reference& reference : values.references()) {
      if (reference.kind == pickle::ReferenceKind::strong) strong.push_back(reference.oid);
      unknown = unknown || reference.kind == pickle::ReferenceKind::unknown;
    }
    if (!unknown && found != strong) std::abort();
    pickle::record_json(record, 1 << 20);
  } catch (const base::Error&) {
    // Refused, which is an answer.
  }
  return 0;
}
