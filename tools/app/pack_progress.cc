#include "app/pack_progress.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace app {

PackProgress::PackProgress(std::ostream& out, io::Env& env, std::string label)
    : out_(out), env_(env), label_(std::move(label)), start_(env.now()) {}

PackProgress::~PackProgress() {
  if (width_ > 0) out_ << '\r' << std::string(width_, ' ') << '\r' << std::flush;
}

void PackProgress::opened(const zeo::StorageInfo& info, bool is_local) {
  if (is_local && info.name.starts_with('/')) data_path_ = info.name;
  if (info.size) size_ = " of at most " + base::human_size(*info.size);
}

// FileStorage packs to a file of this name and puts it into the place of the other when it is done.
std::string PackProgress::written() const {
  if (data_path_.empty()) return "";
  try {
    const std::size_t slash = data_path_.rfind('/');
    const auto dir = env_.open_dir(slash == 0 ? "/" : data_path_.substr(0, slash), io::Links::administrator);
    const auto status = dir->status(data_path_.substr(slash + 1) + ".pack");
    return status ? "  " + base::human_size(status->size) + size_ + " written" : "";
  } catch (const base::Error&) {
    return "";  // not to be seen from here: the time alone has to do
  }
}

void PackProgress::waited() {
  const std::int64_t seconds = env_.now().seconds - start_.seconds;
  if (seconds < 1) return;
  const std::string text = label_ + "  " + base::human_duration(seconds) + written();
  out_ << '\r' << text << std::string(width_ - std::min(width_, text.size()), ' ') << std::flush;
  width_ = std::max(width_, text.size());
}

}  // namespace app
