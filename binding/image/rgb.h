#pragma once
#include <cstdint>

namespace semisup {

// Image.convert("RGB") of `count` interleaved pixels of 1 to 4 channels: gray is repeated, alpha is
// dropped and, if `cmyk` is true, inks are converted. Writes 3 * count bytes.
void ToRgb(const uint8_t* pixels, int64_t count, int channels, bool cmyk, uint8_t* rgb);

}  // namespace semisup
