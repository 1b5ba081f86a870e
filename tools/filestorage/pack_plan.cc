// The dry run of a pack.
#include <algorithm>
#include <optional>

#include "base/error.h"
#include "filestorage/dropped_blobs.h"
#include "filestorage/pack.h"
#include "filestorage/pack_source.h"
#include "pickle/record_class.h"

namespace filestorage {

namespace {

constexpr std::uint64_t kClassBytes = 4096;  // of a record: its class stands at the very beginning
constexpr std::size_t kMostClasses = 10000;
constexpr const char* kOtherClasses = "(other classes)";

// What the dropped records take up, by class.
class FreedByClass {
 public:
  explicit FreedByClass(PackPlan& plan) : plan_(plan) {}

  void take(const PackRecord& record, FarReader& far) {
    const DataPlace place = data_of(far, record);
    const base::ByteSpan head = far.bytes(place.position, std::min(place.length, kClassBytes));
    PackPlan::Freed& freed = of_class(head);
    ++freed.records;
    freed.bytes += record.size();
  }

 private:
  PackPlan::Freed& of_class(base::ByteSpan head) {
    std::string name;
    try {
      const auto found = pickle::class_of(head);
      if (found) name = found->full_name();
    } catch (const base::Error&) {
      // Whatever it is, it goes.
    }
    const auto known = plan_.freed.find(name);
    if (known != plan_.freed.end()) return known->second;
    return plan_.freed[plan_.freed.size() < kMostClasses ? name : kOtherClasses];
  }

  PackPlan& plan_;
};

// Adds up those of the files that are there.
void count_files(io::Dir& blobs, const std::vector<DroppedBlob>& dropped, PackPlan& plan) {
  const BlobLayout layout = blob_layout(blobs);
  for (const DroppedBlob& one : dropped) {
    try {
      std::unique_ptr<io::Dir> opened;
      io::Dir* at = &blobs;
      for (const std::string& name : blob_folders(layout, one.key.oid)) {
        auto next = at->open_dir(name);
        opened = std::move(next);
        at = opened.get();
      }
      const auto status = at->status(blob_file_name(one.key.tid));
      if (!status) continue;
      ++plan.blobs;
      plan.blob_bytes += status->size;
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;
    }
  }
}

}  // namespace

PackPlan plan_pack(io::Env& env, const std::string& dir_path, const std::string& name,
                   const PackRequest& request) {
  const std::unique_ptr<io::Dir> dir = env.open_dir(dir_path, io::Links::administrator);
  const std::unique_ptr<io::File> file = dir->open_file(name, io::Access::read);
  PackPlan plan;
  plan.stop = request.options.stop;
  plan.size_before = plan.size_after = file->status().size;
  const std::uint64_t end = complete_end(*file, plan.size_before);
  const PackSteps steps(request, end);
  Selection selection = select_records(*file, end, steps.options());
  refuse_dangling(*file, selection, request.options.allow_dangling);
  plan.outcome = outcome_of(selection);
  plan.dangling = selection.dangling;
  plan.dangling_objects = selection.dangling_objects;
  if (plan.outcome != PackOutcome::packed) return plan;
  plan.rescued = selection.rescued.size();
  std::unique_ptr<io::Dir> blobs;
  if (!request.blobs.empty()) blobs = env.open_dir(request.blobs, io::Links::administrator);
  FreedByClass freed(plan);
  DroppedBlobs dropped(selection);
  const OnDropped on_dropped = [&](const PackRecord& record, FarReader& far) {
    freed.take(record, far);
    if (blobs) dropped.take(record, far);
  };
  PackOutput count(nullptr);
  const std::uint64_t objects = selection.graph.objects.size();
  plan.counts = copy_packed(*file, selection, count, on_dropped, steps.copying());
  if (count.position() == selection.packpos) {
    plan.outcome = PackOutcome::nothing_gained;
    plan.freed.clear();
    return plan;
  }
  plan.objects_dropped = objects - std::min(objects, selection.graph.objects.size());
  if (blobs) count_files(*blobs, dropped.finish(), plan);
  plan.size_after = count.position() + (end - selection.packpos);
  return plan;
}

}  // namespace filestorage
