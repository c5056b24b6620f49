#include "doppio/profiler.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "absl/strings/str_format.h"
#include "doppio/net.h"
#include "doppio/op_def.h"

namespace doppio {
namespace {

using Clock = std::chrono::steady_clock;

std::string JsonString(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace

struct Profiler::Recording {
  Clock::time_point origin = Clock::now();
  mutable std::mutex mutex;
  std::vector<Event> events;
  std::map<std::thread::id, int> threads;
  std::map<std::pair<const Net*, int>, Clock::time_point> started;

  double Microseconds(Clock::duration d) const {
    return std::chrono::duration<double, std::micro>(d).count();
  }

  void Start(const Net& net, int index) {
    std::lock_guard<std::mutex> lock(mutex);
    Clock::time_point& start = started[{&net, index}];
    start = Clock::now();
  }

  void Stop(const Net& net, int index) {
    const Clock::time_point end = Clock::now();
    std::lock_guard<std::mutex> lock(mutex);
    const Clock::time_point start = started[{&net, index}];
    Event event;
    event.net = net.name();
    event.op = index;
    if (index >= 0) {
      const OperatorDef& def = net.operators()[index]->def();
      event.type = def.type();
      event.description = OpToString(def);
    }
    event.thread = threads.try_emplace(std::this_thread::get_id(), static_cast<int>(threads.size()))
                       .first->second;
    event.start_us = Microseconds(start - origin);
    event.duration_us = Microseconds(end - start);
    events.push_back(std::move(event));
  }
};

Profiler::Profiler() : recording_(std::make_unique<Recording>()) {}
Profiler::~Profiler() = default;

void Profiler::NetStart(const Net& net) { recording_->Start(net, -1); }
void Profiler::NetStop(const Net& net, const absl::Status&) { recording_->Stop(net, -1); }
void Profiler::OperatorStart(const Net& net, int index) { recording_->Start(net, index); }
void Profiler::OperatorStop(const Net& net, int index, const absl::Status&) {
  recording_->Stop(net, index);
}

std::vector<Profiler::Event> Profiler::Events() const {
  std::lock_guard<std::mutex> lock(recording_->mutex);
  return recording_->events;
}

std::string Profiler::TraceJson() const {
  std::string json = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  const char* separator = "\n";
  for (const Event& event : Events()) {
    const bool is_net = event.op < 0;
    absl::StrAppendFormat(
        &json,
        "%s{\"name\":%s,\"cat\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f",
        separator, JsonString(is_net ? event.net : event.type), is_net ? "net" : "operator",
        event.thread, event.start_us, event.duration_us);
    if (!is_net) {
      absl::StrAppendFormat(&json, ",\"args\":{\"net\":%s,\"op\":%d,\"operator\":%s}",
                            JsonString(event.net), event.op, JsonString(event.description));
    }
    json += "}";
    separator = ",\n";
  }
  return json + "\n]}\n";
}

absl::Status Profiler::WriteTrace(const std::string& path) const {
  const std::string json = TraceJson();
  std::FILE* file = std::fopen(path.c_str(), "wb");
  bool is_written =
      file != nullptr && std::fwrite(json.data(), 1, json.size(), file) == json.size();
  const int write_error = errno;
  if (file != nullptr && std::fclose(file) != 0) is_written = false;
  if (is_written) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("can not write the trace to \"", path, "\": ", std::strerror(write_error)));
}

}  // namespace doppio
