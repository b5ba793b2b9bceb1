#pragma once
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include "pooling.h"
#include "slices.h"
#include "threads.h"
#include "windows.h"

namespace semisup::plan {

// What is made of windows: pixels of so many channels, computed a panel of them at a time.
template <class T>
struct Product {
  T* output;
  int64_t images;
  int64_t channels;
  int64_t panel;
  // How many pixels are computed at a time.
  int64_t fitting;
  // Where these are wanted, maxima over the pixels are the output, and not the pixels.
  const Pooling* pooling;

  int64_t panels() const { return channels / panel; }
};

// Calls multiply(starts, pixels, to, panels) for blocks of pixels, on all threads: `starts` tells
// where the windows of the pixels begin, and `to` is where the channels of the first belong.
template <class T, class Multiply>
void ForBlocks(const Windows<T>& windows, const Product<T>& product, const Multiply& multiply) {
  const int64_t pixels = product.images * windows.rows * windows.columns;
  const auto [blocks, shares] = Divide(pixels, product.fitting, product.panels(), ThreadsHere());
  const auto block_of = [&, all = blocks](int64_t block) { return ShareOf(pixels, block, all); };
  int64_t size = 0;
  for (int64_t i = 0; i < blocks; i++) size = std::max(size, windows.SizeOf(block_of(i)));
  // Here and not on the threads, which have no arena.
  const auto scratch = at::empty({std::min(ThreadsHere(), blocks * shares), size},
                                 c10::CppTypeToScalarType<T>::value);
  at::parallel_for(0, blocks * shares, 1, [&, shares = shares](int64_t begin, int64_t end) {
    T* copies = scratch.template data_ptr<T>() + at::get_thread_num() * size;
    std::vector<const T*> starts;
    for (int64_t i = begin; i < end; i++) {
      const auto block = block_of(i / shares);
      windows.Take(block, copies, starts);
      multiply(starts.data(), block, product.output + block.first * product.channels,
               ShareOf(product.panels(), i % shares, shares));
    }
  });
}

// The same where maxima are wanted: the pixels of a block stay in the second cache, and are gone
// when their maxima are found.
template <class T, class Multiply>
void ForPooledBlocks(const Windows<T>& windows, const Product<T>& product,
                     const Multiply& multiply) {
  constexpr int64_t kBlockBytes = 512 << 10;
  const auto& pooling = *product.pooling;
  const int64_t rows = pooling.CountOf(windows.rows);
  const int64_t row_size = windows.columns * product.channels;
  const int64_t pooled_row_size = pooling.CountOf(windows.columns) * product.channels;
  const int64_t fitting = kBlockBytes / (row_size * static_cast<int64_t>(sizeof(T)));
  const int64_t fitting_rows =
      std::max<int64_t>(1, (fitting - pooling.kernel) / pooling.stride + 1);
  // Of each image, and as many for each thread.
  const int64_t threads = ThreadsHere();
  const int64_t blocks = std::min(rows, CeilOf(CeilOf(rows, fitting_rows), threads) * threads);
  // The rows of the maxima, and, counted over all images, the rows that these are of.
  const auto pooled_of = [&](int64_t block) { return ShareOf(rows, block % blocks, blocks); };
  const auto rows_of = [&](int64_t block) {
    const auto reach = pooling.ReachOf(pooled_of(block), windows.rows);
    return Slice{block / blocks * windows.rows + reach.first, reach.count};
  };
  const auto pixels_of = [&](const Slice& some) {
    return Slice{some.first * windows.columns, some.count * windows.columns};
  };
  const int64_t all = product.images * blocks;
  int64_t copies_size = 0;
  int64_t size = 0;
  for (int64_t i = 0; i < all; i++) {
    copies_size = std::max(copies_size, windows.SizeOf(pixels_of(rows_of(i))));
    size = std::max(size, rows_of(i).count * row_size);
  }
  const auto scratch =
      at::empty({std::min(threads, all), copies_size + size}, c10::CppTypeToScalarType<T>::value);
  at::parallel_for(0, all, 1, [&](int64_t begin, int64_t end) {
    T* made = scratch.template data_ptr<T>() + at::get_thread_num() * (copies_size + size);
    std::vector<const T*> starts;
    Slice last{0, 0};
    for (int64_t i = begin; i < end; i++) {
      const auto wanted = rows_of(i);
      // What the block before had as well.
      const int64_t kept = std::max<int64_t>(0, last.first + last.count - wanted.first);
      std::copy_n(made + (last.count - kept) * row_size, kept * row_size, made);
      const auto pixels = pixels_of({wanted.first + kept, wanted.count - kept});
      if (pixels.count > 0) {
        windows.Take(pixels, made + size, starts);
        multiply(starts.data(), pixels, made + kept * row_size, Slice{0, product.panels()});
      }
      last = wanted;
      const auto pooled = pooled_of(i);
      T* to = product.output + (i / blocks * rows + pooled.first) * pooled_row_size;
      MaxPoolRows(made, windows.rows, windows.columns, product.channels, pooling, pooled, to);
    }
  });
}

// ForPooledBlocks() where maxima are wanted, ForBlocks() otherwise.
template <class T, class Multiply>
void ForProduct(const Windows<T>& windows, const Product<T>& product, const Multiply& multiply) {
  if (product.pooling) return ForPooledBlocks(windows, product, multiply);
  ForBlocks(windows, product, multiply);
}

}  // namespace semisup::plan
