#include "src/io/text_scanner.h"

#include "absl/strings/ascii.h"

namespace doppio {
namespace io {
namespace {

bool IsWord(char c) {
  return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '+' || c == '-';
}

}  // namespace

void TextScanner::SkipSpaceAndComments() {
  while (pos_ < text_.size()) {
    if (text_[pos_] == '#') {
      while (pos_ < text_.size() && text_[pos_] != '\n') ++pos_;
    } else if (absl::ascii_isspace(text_[pos_])) {
      ++pos_;
    } else {
      return;
    }
  }
}

bool TextScanner::Next(Token* token) {
  SkipSpaceAndComments();
  if (pos_ >= text_.size()) return false;
  const size_t start = pos_;
  const char c = text_[pos_++];
  int depth_after = depth_;
  int braces_after = braces_;
  if (c == '"' || c == '\'') {
    token->kind = kString;
    // A string never goes beyond its line.
    while (pos_ < text_.size() && text_[pos_] != c && text_[pos_] != '\n') {
      pos_ += text_[pos_] == '\\' && pos_ + 1 < text_.size() ? 2 : 1;
    }
    if (pos_ < text_.size() && text_[pos_] == c) ++pos_;
  } else if (IsWord(c)) {
    while (pos_ < text_.size() && IsWord(text_[pos_])) ++pos_;
    token->kind = absl::ascii_isalpha(c) || c == '_' ? kIdentifier : kOther;
  } else if (c == '{' || c == '<' || c == '[') {
    token->kind = kOpen;
    depth_after = ++depth_;
    braces_after = braces_ += c == '[' ? 0 : 1;
  } else if (c == '}' || c == '>' || c == ']') {
    token->kind = kClose;
    depth_after = depth_ - 1;
    braces_after = braces_ - (c == ']' ? 0 : 1);
  } else {
    token->kind = kOther;
  }
  token->text = text_.substr(start, pos_ - start);
  token->depth = depth_;
  token->braces = braces_;
  depth_ = depth_after;
  braces_ = braces_after;
  return true;
}

}  // namespace io
}  // namespace doppio
