// Values of pickles as JSON: nothing that matters is lost, and every value has exactly one form.
//
// clang-format off
//   None, True, False, text          null, true, false, string
//   text with lone surrogates        {"text_utf16be": hex}
//   integer                          number below 2^53 in size, otherwise {"int": "digits"}
//   float                            {"float": "1.5"}: the shortest decimal form, as Python writes it
//   str of Python 2                  {"str": "..."} if ASCII, otherwise {"str_hex": hex}
//   bytes, bytearray                 {"bytes": hex}, {"bytearray": hex}
//   list                             array
//   tuple, set, frozenset            {"tuple": [...]}, {"set": [...]}, {"frozenset": [...]}
//   dict                             {"dict": [[key, value], ...]}
//   class or function                {"global": "module.name"}
//   made by a call                   {"call": function, "args": [...]}; args as any value if it is no tuple
//   made by a class's __new__        {"new": class, "args": [...]}, with "kwargs": [[name, value], ...]
//   ... and then filled              "items": [...], "dictitems": [[key, value], ...], "state": value besides
//   strong reference                 {"ref": {"oid": "16 hex digits"}}, with "class" if given
//   weak, in another database        the same with "kind": "weak" or "other", and "database" if given
//   any other reference              {"ref": {"kind": "unknown", "raw": value}}
//   extension code                   {"extension": code}
//   list, tuple, dict, set, object   {"id": n, "value": form} the first time, {"same_as": n} afterwards;
//   or bytearray that occurs         n counts 1, 2, ... in the order of the first times. Not so the empty
//   more than once                   tuple.
// clang-format on
#pragma once

#include <cstddef>
#include <string>

#include "pickle/values.h"

namespace pickle {

// More than any honest record comes to; a hostile one can name a long text a million times.
inline constexpr std::size_t kLongestJson = std::size_t{1} << 30;

// One line without spaces, UTF-8. Any depth of nesting. unsupported if it would be longer than `limit` bytes.
std::string to_json(const Values& values, NodeId root, std::size_t limit = kLongestJson);

// A data record: an object with "class" ("module.name", or null for a class that is a reference),
// "class_pickle", "newargs" (if the class pickle is a tuple of two and the second is not None), "state",
// "strong_refs" and "weak_refs" (oids, sorted), "other_database_refs" ([name, oid], sorted) and
// "trailing_bytes" (how many there are behind the second pickle). Ids count anew in each value. corrupt if
// the bytes are not two pickles.
std::string record_json(base::ByteSpan record, std::size_t limit = kLongestJson);

// "text" in quotes, with what JSON wants escaped; the text is UTF-8 without surrogates.
std::string json_string(std::string_view text);
// As Python's repr() writes a float: "0.1", "1e+16", "inf", "nan".
std::string float_repr(double value);

}  // namespace pickle
