#include "filestorage/check.h"

namespace filestorage {

const char* to_string(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::structure: return "structure";
    case ProblemKind::previous_record: return "previous_record";
    case ProblemKind::empty_file: return "empty_file";
    case ProblemKind::torn_end: return "torn_end";
    case ProblemKind::unfinished_end: return "unfinished_end";
    case ProblemKind::zeros_at_end: return "zeros_at_end";
    case ProblemKind::unreadable: return "unreadable";
    case ProblemKind::bad_pickle: return "bad_pickle";
    case ProblemKind::dangling_missing: return "dangling_missing";
    case ProblemKind::dangling_undone: return "dangling_undone";
    case ProblemKind::dangling_unreadable: return "dangling_unreadable";
    case ProblemKind::no_root: return "no_root";
    case ProblemKind::index_unreadable: return "index_unreadable";
    case ProblemKind::index_wrong: return "index_wrong";
    case ProblemKind::index_missing: return "index_missing";
    case ProblemKind::index_extra: return "index_extra";
    case ProblemKind::blob_missing: return "blob_missing";
    case ProblemKind::blob_extra: return "blob_extra";
    case ProblemKind::blob_name: return "blob_name";
  }
  return "unknown";
}

const char* to_string(Fault fault) {
  switch (fault) {
    case Fault::bad_magic: return "bad_magic";
    case Fault::bad_status: return "bad_status";
    case Fault::tid_order: return "tid_order";
    case Fault::bad_length: return "bad_length";
    case Fault::length_mismatch: return "length_mismatch";
    case Fault::record_bounds: return "record_bounds";
    case Fault::record_location: return "record_location";
    case Fault::record_tid: return "record_tid";
    case Fault::previous_record: return "previous_record";
    case Fault::back_pointer: return "back_pointer";
    case Fault::version_record: return "version_record";
    case Fault::lost_tail: return "lost_tail";
  }
  return "unknown";
}

}  // namespace filestorage
