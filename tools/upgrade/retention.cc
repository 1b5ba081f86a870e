#include "upgrade/retention.h"

#include <algorithm>
#include <map>

namespace upgrade {

namespace {

// All forms of one generation number.
struct Number {
  std::vector<Generation> forms;
  std::uint64_t allocated = 0;
  bool good = false;
};

}  // namespace

std::vector<Generation> plan_retention(std::vector<StoredGeneration> stored, std::uint64_t free_now,
                                       const RetentionRules& rules) {
  std::sort(stored.begin(), stored.end(), [](const StoredGeneration& left, const StoredGeneration& right) {
    return left.generation < right.generation;
  });
  std::map<unsigned, Number> numbers;
  for (const StoredGeneration& one : stored) {
    Number& number = numbers[one.generation.number];
    number.forms.push_back(one.generation);
    number.allocated += one.allocated;
    number.good = number.good || one.good;
  }

  std::size_t left = numbers.size();
  auto good_left = static_cast<std::size_t>(
      std::count_if(numbers.begin(), numbers.end(), [](const auto& entry) { return entry.second.good; }));
  const std::size_t minimum = std::max<std::size_t>(rules.keep_min, 1);

  std::vector<Generation> removed;
  std::uint64_t free = free_now;
  for (auto oldest = numbers.rbegin(); oldest != numbers.rend(); ++oldest) {
    const Number& number = oldest->second;
    const bool wanted_gone = left > rules.keep || free < rules.min_free;
    if (!wanted_gone || left <= minimum) break;
    if (oldest->first == 0 || (number.good && good_left <= minimum)) continue;
    removed.insert(removed.end(), number.forms.begin(), number.forms.end());
    --left;
    if (number.good) --good_left;
    free += number.allocated;
  }
  return removed;
}

}  // namespace upgrade
