// pickledump: what our readers make of pickles, for comparison with Python's. Reads lines of standard input,
// each "value HEX" or "record HEX", and answers each with a line of JSON: the value; or an object with
// "strong", the references of the record in the order met, and "json", the record as record_json() writes it;
// or {"error": reason}.
#include <iostream>
#include <string>

#include "base/error.h"
#include "pickle/json.h"
#include "pickle/scanner.h"
#include "pickle/values.h"
#include "support/hex.h"

namespace {

std::string value_json(const std::string& bytes) {
  pickle::Values values(base::as_bytes(bytes));
  std::size_t at = 0;
  const pickle::NodeId root = values.read(at);
  return to_json(values, root);
}

std::string record_answer(pickle::Scanner& scanner, const std::string& bytes) {
  std::string list;
  for (const base::Oid oid : scanner.strong(base::as_bytes(bytes)))
    list += (list.empty() ? "\"" : ",\"") + base::to_hex(oid) + "\"";
  return "{\"strong\":[" + list + "],\"json\":" + pickle::record_json(base::as_bytes(bytes)) + "}";
}

}  // namespace

int main() {
  pickle::Scanner scanner;
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) return 2;
    const std::string bytes = support::bytes_of_hex(line.substr(space + 1));
    try {
      std::cout << (line.starts_with("record") ? record_answer(scanner, bytes) : value_json(bytes)) << "\n";
    } catch (const base::Error& error) {
      std::cout << "{\"error\":" << pickle::json_string(error.reason()) << "}\n";
    }
  }
  return std::cout.flush() ? 0 : 2;
}
