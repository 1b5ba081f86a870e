#include "support/conversation.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "support/fixture.h"

namespace support {
namespace {

std::string unhex(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return bytes;
}

RecordedFrame read_frame(const nlohmann::json& message) {
  RecordedFrame frame;
  frame.from_server = message.at("from") == "server";
  frame.closes = message.contains("event");
  frame.is_handshake = message.contains("handshake");
  frame.is_signed = message.contains("mac");
  if (!frame.closes) {
    const std::string hex = message.at("hex");
    frame.body = unhex(hex.substr(hex.find(' ') + 1));
  }
  return frame;
}

bool client_speaks(const std::vector<RecordedFrame>& frames) {
  return std::any_of(frames.begin(), frames.end(),
                     [](const RecordedFrame& frame) { return !frame.from_server && !frame.closes; });
}

// Where a message has its number, of one byte in all recordings.
std::size_t id_offset(zeo::Encoding encoding, const std::string& body) {
  if (encoding == zeo::Encoding::msgpack) return 1;
  return body.front() == '\x80' ? 4 : 2;
}

}  // namespace

const std::vector<RecordedFrame>& Conversation::used(std::size_t n) const {
  std::vector<const std::vector<RecordedFrame>*> spoken;
  for (const auto& [number, frames] : connections)
    if (client_speaks(frames)) spoken.push_back(&frames);
  if (spoken.empty()) return connections.begin()->second;
  return *spoken[std::min(n, spoken.size() - 1)];
}

std::vector<std::string> conversation_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TEST_DATA_DIR) + "/zeo"))
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

Conversation read_conversation(const std::string& name) {
  const auto json = nlohmann::json::parse(read_fixture("zeo/" + name + ".json"));
  Conversation conversation;
  conversation.name = name;
  conversation.note = json.at("note");
  conversation.client_arguments = json.at("client_arguments").get<std::vector<std::string>>();
  for (const auto& message : json.at("messages"))
    conversation.connections[message.at("connection")].push_back(read_frame(message));
  return conversation;
}

zeo::Encoding encoding_of(const std::vector<RecordedFrame>& connection) {
  for (const RecordedFrame& frame : connection)
    if (frame.is_handshake && frame.from_server && frame.body.front() == 'M') return zeo::Encoding::msgpack;
  return zeo::Encoding::pickle;
}

RecordedServer::RecordedServer(std::vector<RecordedFrame> frames)
    : frames_(std::move(frames)), encoding_(encoding_of(frames_)) {}

void RecordedServer::connected(Wire& wire) {
  send_until_client_speaks(wire);
}

void RecordedServer::received(base::ByteSpan bytes, Wire& wire) {
  reader_.feed(bytes);
  while (const auto frame = reader_.next()) {
    if (has_greeted_)
      answer(*frame, wire);
    else
      has_greeted_ = true;
  }
}

void RecordedServer::answer(const zeo::Frame& request, Wire& wire) {
  const zeo::MessageHead head = zeo::decode_head(encoding_, request.body);
  for (; next_ < frames_.size(); ++next_) {
    const RecordedFrame& frame = frames_[next_];
    if (frame.from_server || frame.closes || frame.is_handshake || frame.is_signed) continue;
    const zeo::MessageHead model = zeo::decode_head(encoding_, base::as_bytes(frame.body));
    if (model.method != head.method) continue;
    asked_ = head.id;
    recorded_ = model.id;
    ++next_;
    return send_until_client_speaks(wire);
  }
  wire.closed = true;
}

void RecordedServer::send_until_client_speaks(Wire& wire) {
  for (; next_ < frames_.size() && frames_[next_].from_server; ++next_) {
    const RecordedFrame& frame = frames_[next_];
    if (frame.closes) {
      wire.closed = true;
      return;
    }
    std::string body = frame.body;
    if (!frame.is_handshake) {
      const zeo::MessageHead head = zeo::decode_head(encoding_, base::as_bytes(body));
      if (head.is_reply() && head.id == recorded_)
        body[id_offset(encoding_, body)] = static_cast<char>(asked_);
    }
    wire.send(zeo::framed(base::as_bytes(body)));
  }
}

}  // namespace support
