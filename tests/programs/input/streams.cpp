#include <algorithm>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

struct Guard {
  std::string name;
  explicit Guard(std::string n) : name(std::move(n)) {}
  ~Guard() { std::cout << "left " << name << "\n"; }
};

static int deep(int n) {
  Guard guard("level " + std::to_string(n));
  if (n == 0) throw std::out_of_range("at the bottom");
  return deep(n - 1) + 1;
}

int main() {
  std::map<std::string, int> counts;
  std::istringstream words("the quick brown fox jumps over the lazy dog the end");
  for (std::string word; words >> word;) counts[word]++;
  for (const auto &[word, count] : counts) std::cout << std::setw(6) << word << " " << count << "\n";
  try {
    deep(3);
  } catch (const std::exception &e) {
    std::cout << "caught: " << e.what() << "\n";
  }
  std::vector<std::thread> threads;
  std::vector<long> sums(4);
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&sums, t] {
      try {
        for (int i = 0; i < 1000; i++) sums[t] += i * t;
        throw t;
      } catch (int n) {
        sums[t] += n;
      }
    });
  for (auto &thread : threads) thread.join();
  for (long sum : sums) std::cout << sum << "\n";
  std::cout << std::regex_replace("2026-11-20", std::regex("(\\d+)-(\\d+)-(\\d+)"), "$3.$2.$1") << "\n"
            << std::hexfloat << 0.1 << std::defaultfloat << " " << std::setprecision(17) << 0.1 << "\n";
  return 3;
}
