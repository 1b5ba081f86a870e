// Which class the object of a data record has.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "pickle/values.h"

namespace pickle {

// The class of a data record's object.
struct RecordClass {
  std::string module, name;
  // The class pickle is the class and nothing else (as a blob's is); otherwise a tuple that begins with it or
  // with a pair of names, and goes on with arguments.
  bool alone = false;

  bool is(std::string_view wanted_module, std::string_view wanted_name) const {
    return module == wanted_module && name == wanted_name;
  }
  std::string full_name() const { return module + "." + name; }
};

// From the first of the two pickles; the second is not looked at. Empty if the class is not named there: it
// is itself an object of the database, or something no ZODB writes. corrupt if the bytes are no pickle.
std::optional<RecordClass> class_of(base::ByteSpan record);
// The same of a class pickle that has been read.
std::optional<RecordClass> class_in(const Values& values, NodeId class_pickle);

}  // namespace pickle
