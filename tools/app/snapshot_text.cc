#include "app/snapshot_text.h"

#include <ostream>

#include "base/text.h"

namespace app {

void print_plan(std::ostream& out, const upgrade::Instance& instance, const upgrade::SnapshotPlan& plan) {
  const std::string where = instance.name + ": ";
  if (plan.action != upgrade::SnapshotAction::copy) {
    out << where << "nothing would be copied: " << plan.reason << "\n";
    return;
  }
  for (const auto& [from, to] : plan.moves) {
    out << where << "would rename " << base::quoted(from) << " to " << base::quoted(to) << "\n";
  }
  out << where << "would copy " << base::human_size(plan.length) << " of "
      << base::quoted(instance.data_path()) << " to " << base::quoted(instance.data_name + ".0") << "\n";
}

}  // namespace app
