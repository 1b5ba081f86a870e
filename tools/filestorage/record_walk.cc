#include "filestorage/record_walk.h"

namespace filestorage {

FoundData find_data(ForwardReader& in, const WalkedRecord& record) {
  WalkedRecord at = record;
  while (at.header.data == 0) {
    if (at.back == 0) return {FoundData::What::nothing, 0, 0};
    if (at.back < kMagicSize + kTransactionHeaderSize || at.back >= at.header.transaction)
      return {FoundData::What::broken, 0, 0};
    const std::optional<WalkedRecord> next = walked_record_at(in, at.back, at.header.transaction);
    if (!next || next->header.oid != record.header.oid || next->header.version != 0 ||
        next->header.transaction >= next->position)
      return {FoundData::What::broken, 0, 0};
    at = *next;
  }
  return {FoundData::What::data, at.data_at(), at.header.data};
}

}  // namespace filestorage
