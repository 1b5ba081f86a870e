// The recorded conversations of tests/data/zeo, and a server that plays one of them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/fake_network.h"
#include "zeo/framing.h"
#include "zeo/marshal.h"

namespace support {

struct RecordedFrame {
  bool from_server = false;
  bool closes = false;        // the end of this side, no frame
  bool is_handshake = false;  // the name of a protocol
  bool is_signed = false;
  std::string body;
};

struct Conversation {
  std::string name;
  std::string note;
  std::vector<std::string> client_arguments;
  std::map<int, std::vector<RecordedFrame>> connections;

  // The connection that was used: the n-th (from 0) in which the client spoke, the last of them if there are
  // fewer, or the first of all.
  const std::vector<RecordedFrame>& used(std::size_t n) const;
};

// "zeo6-pickle", sorted.
std::vector<std::string> conversation_names();
Conversation read_conversation(const std::string& name);
zeo::Encoding encoding_of(const std::vector<RecordedFrame>& connection);

// Answers each request as the recorded server answered one of the same name, whatever its number, and closes
// at one that was never asked.
class RecordedServer : public FakeServer {
 public:
  explicit RecordedServer(std::vector<RecordedFrame> frames);
  void connected(Wire& wire) override;
  void received(base::ByteSpan bytes, Wire& wire) override;

 private:
  void answer(const zeo::Frame& request, Wire& wire);
  void send_until_client_speaks(Wire& wire);

  std::vector<RecordedFrame> frames_;
  zeo::Encoding encoding_;
  zeo::FrameReader reader_;
  std::size_t next_ = 0;  // of frames_
  bool has_greeted_ = false;
  std::int64_t asked_ = 0, recorded_ = 0;  // number of the request, and of its recorded model
};

}  // namespace support
