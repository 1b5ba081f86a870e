// Where ours is deliberately different from the recorded program: the rules that hold for every step, and the
// table tests/data/repozo/differences.json, which names each step, what ours does instead, and why.
//
//   {"scene": "file-trouble", "step": 13, "repository": "both", "why": "...", "exit": 1,
//    "stderr": {"from": 6, "gone": ["Recovering file to out.fs", ...], "instead": ["... is missing"]},
//    "written": {}}
//
// "repository" is "ours", "recorded" (see Repository) or "both". What is not named is as recorded; files have
// the form of expected.json. Lines of stderr are counted from 0.
#pragma once

#include <optional>
#include <string>

#include "support/repozo_scene.h"

namespace support {

// Turns what the original did into what ours always does.
void apply_rules(bool python2, RepozoExpectation& expected);

// The entry of the table; none if ours does as the original.
std::optional<nlohmann::json> find_difference(const std::string& scene, std::size_t step,
                                              Repository repository);
// Turns what the original did into what ours does there; fails the test if the lines that are gone are not
// there.
void apply_difference(const nlohmann::json& difference, RepozoExpectation& expected);
// The entry that would describe what ours did, for whoever has to judge it.
nlohmann::json describe_difference(const std::string& scene, std::size_t step,
                                   const RepozoExpectation& expected, const RepozoStep& actual);
// All of the table.
const nlohmann::json& all_differences();

}  // namespace support
