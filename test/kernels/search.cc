// Compares the kernels of searches with plain loops in double precision.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "checks.h"
#include "kernels/bfloat16/round.h"
#include "kernels/buffer.h"
#include "kernels/search/dot_rows.h"
#include "kernels/search/top_rows.h"

namespace {

using namespace semisup::kernels;

float Element(float value, float*) { return value; }
BFloat16 Element(float value, BFloat16*) { return RoundToBFloat16(value); }

// Any number of rows and queries: whole micro-tiles, parts of them, and none.
template <class T>
void CheckDotRows(const std::string& name) {
  constexpr float kGuard = 12345;
  double error = 0;
  double difference = 0;
  for (const int64_t columns : {DotRows<T>::kColumns, 3 * DotRows<T>::kColumns, int64_t{2048}}) {
    for (int64_t row_count = 0; row_count <= 9; row_count++) {
      for (int64_t query_count = 1; query_count <= 9; query_count++) {
        const auto queries = RandomValues(query_count * columns);
        const auto values = RandomValues(row_count * columns);
        Buffer<T> rows(row_count * columns + 1);
        for (int64_t i = 0; i < row_count * columns; i++) {
          rows[i] = Element(values[i], static_cast<T*>(nullptr));
        }
        std::vector<float> products(query_count * row_count + 1, kGuard);
        RunDotRows(DotRows<T>{queries.data(), rows.data(), products.data(), query_count, row_count,
                              columns});
        if (products.back() != kGuard) error = std::numeric_limits<double>::infinity();
        for (int64_t q = 0; q < query_count; q++) {
          for (int64_t r = 0; r < row_count; r++) {
            double expected = 0;
            for (int64_t c = 0; c < columns; c++) {
              expected += double{queries[q * columns + c]} * ToFloat(rows[r * columns + c]);
            }
            const float actual = products[q * row_count + r];
            error = std::max(error, std::abs(actual - expected));
            // Alone, a row has the same sum.
            float alone = kGuard;
            RunDotRows(DotRows<T>{queries.data() + q * columns, rows.data() + r * columns, &alone,
                                  1, 1, columns});
            if (alone != actual) difference = 1;
          }
        }
      }
    }
  }
  Report(name + ", sums", error, 1e-4);
  Report(name + ", the same in each micro-tile", difference, 0);
}

void CheckTopRows() {
  double wrong = 0;
  for (int64_t count = 0; count <= 60; count += 6) {
    for (const int64_t k : {0, 1, 2, 7, 60, 100}) {
      std::vector<ScoredRow> rows;
      TopRows top(k);
      for (int64_t i = 0; i < count; i++) {
        // Few different scores, in no order of rows.
        const auto row = static_cast<int32_t>((i * 37) % 61);
        const float score = i % 9 == 8 ? std::numeric_limits<float>::quiet_NaN()
                                       : static_cast<float>(RandomInteger(-3, 3));
        if (top.Accepts(score)) top.Add({score, row});
        if (!std::isnan(score)) rows.push_back({score, row});
      }
      std::sort(rows.begin(), rows.end(), &Precedes);
      if (static_cast<int64_t>(rows.size()) > k) rows.resize(k);
      auto found = top.rows();
      std::sort(found.begin(), found.end(), &Precedes);
      const bool is_same = std::equal(rows.begin(), rows.end(), found.begin(), found.end(),
                                      [](const ScoredRow& a, const ScoredRow& b) {
                                        return a.row == b.row && a.score == b.score;
                                      });
      if (!is_same) wrong++;
    }
  }
  Report("search, top rows", wrong, 0);
}

}  // namespace

void CheckSearch() {
  CheckDotRows<float>("search");
  CheckDotRows<BFloat16>("search, bfloat16");
  CheckTopRows();
}
