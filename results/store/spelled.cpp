#include "results/store/records.hpp"

namespace churn::store {

std::string spelled(Named const& named) {
  std::string text = named.name;
  char before = '{';
  for (auto const& [key, value] : named.settings) {
    text += before;
    text += key + "=" + value;
    before = ';';
  }
  if (before == ';') text += '}';
  return text;
}

std::string spelled(CellKey const& key) {
  std::string text = spelled(key.allocator) + "/";
  if (!key.collector.name.empty()) text += spelled(key.collector) + "/";
  text += spelled(key.workload) + "@" + std::to_string(key.threads);
  if (key.heap_limit_bytes != 0) text += " in " + std::to_string(key.heap_limit_bytes) + " bytes";
  return text;
}

}  // namespace churn::store
