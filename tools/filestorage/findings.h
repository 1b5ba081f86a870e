// Collects findings up to a limit without ever losing that there was a fatal one.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "filestorage/scan.h"

namespace filestorage {

class Findings {
 public:
  explicit Findings(std::size_t limit) : limit_(limit == 0 ? 1 : limit) {}

  // In file order. When full, the first fatal one takes the place of the last that is not.
  void add(Finding finding) {
    const bool fatal = finding.fatal;
    if (list_.size() < limit_) {
      list_.push_back(std::move(finding));
    } else if (fatal && !any_fatal_) {
      list_.back() = std::move(finding);
    }
    any_fatal_ = any_fatal_ || fatal;
  }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::size_t limit_;
  bool any_fatal_ = false;
  std::vector<Finding> list_;
};

}  // namespace filestorage
